// The widgets of institutions' pages. How to use them: docs/institutions.md
(() => {
  const tag = "heart-of-science";
  if (customElements.get(tag)) return;
  const site = new URL(document.currentScript.src).origin;
  const answers = {};
  let look;
  const frames = new Set();

  const ask = (address) => (answers[address] ??= fetch(address).then((answer) => (answer.ok ? answer.json() : Promise.reject())));

  const make = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const sheet = (css) => {
    const made = new CSSStyleSheet(); // no style element: a strict policy of the page would refuse it
    made.replaceSync(css);
    return made;
  };
  const base = sheet(":host{all:initial!important;display:block!important}:host([hidden]){display:none!important}iframe{display:block;border:0}");

  const counter = ({ institution, count, goal }) => [
    make("p", { className: "name" }, make("bdi", {}, institution)),
    make("p", { className: "count" }, ...count.map((part, place) => (place % 2 ? make("b", {}, part) : part))),
    make("progress", { value: goal.value, max: goal.max, ariaHidden: "true" }),
    make("p", { className: "goal" }, goal.text),
  ];

  const people = ({ latest, people }) =>
    people.length
      ? [make("p", { className: "latest" }, latest), make("ul", {}, ...people.map(([name, role]) => make("li", {}, make("bdi", {}, name), make("small", {}, role))))]
      : [];

  const shapes = {
    button: (data, link) => [link],
    counter: (data, link) => [...counter(data), link],
    card: (data, link) => [
      make("p", { className: "title" }, data.title),
      ...counter(data),
      ...data.notes.map((note) => make("p", { className: "note" }, note)),
      ...people(data),
      link,
      make("a", { className: "more", href: data.page, target: "_top" }, data.more),
    ],
  };

  class Widget extends HTMLElement {
    static observedAttributes = ["institution", "campaign", "widget", "lang", "theme"];

    connectedCallback() {
      this.root ??= this.attachShadow({ mode: "open" });
      this.draw(this.getAttribute("widget"));
    }

    attributeChangedCallback() {
      if (this.root && this.isConnected) this.connectedCallback();
    }

    disconnectedCallback() {
      frames.delete(this.frame);
      this.turn = 0;
    }

    draw(widget) {
      const id = (this.getAttribute("institution") || "").split("/").pop();
      const lang = this.closest("[lang]")?.lang || navigator.languages.join();
      const query = new URLSearchParams({ campaign: this.getAttribute("campaign") || "", lang });
      const from = new URLSearchParams({ via: widget, host: location.origin, page: location.pathname });
      frames.delete(this.frame);
      this.root.replaceChildren(make("slot")); // what the page itself says, until there is more
      const address = `${site}/embed/data/${id}.json?${query}`;
      // The form takes its look from the page's style sheets, which are there when the page is first painted.
      const turn = (this.turn = widget === "form" ? new Promise(requestAnimationFrame) : ask(address));
      turn
        .then((data) => {
          if (turn !== this.turn) return; // something else was asked for meanwhile
          if (widget === "form") this.open(id, query, from);
          else this.show(data, shapes[widget] ? widget : "card", from);
        })
        .catch(() => delete answers[address]); // whoever asks again may have more luck
    }

    show(data, widget, from) {
      from.set("via", widget);
      const link = make("a", { className: "pledge", href: `${data.pledge}&${from}`, target: "_top" }, data.make);
      const { lang, dir } = data;
      this.root.adoptedStyleSheets = [base, (look ??= sheet(data.css))];
      this.root.replaceChildren(make("div", { className: `widget ${widget}`, lang, dir }, ...shapes[widget](data, link)));
    }

    open(institution, query, from) {
      for (const name of ["accent", "background", "text", "radius"]) query.set(name, getComputedStyle(this).getPropertyValue(`--heart-${name}`).trim());
      query.set("institution", institution);
      query.set("theme", this.getAttribute("theme") || "");
      const frame = make("iframe", {
        src: `${site}/embed/form?${query}&${from}`,
        title: this.textContent.trim(),
        width: "100%",
        height: 0,
        frameBorder: 0,
        loading: "lazy",
      });
      // The site may not be registered, or its policy forbid the frame: then nothing comes from there, and the card serves.
      frame.onload = () => setTimeout(() => frames.has(frame) && !+frame.height && this.draw("card"), 2000);
      frames.add((this.frame = frame));
      this.root.append(frame);
    }
  }

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== site) return;
    for (const frame of frames) {
      if (frame.contentWindow !== source || !(data.height > 0)) continue;
      frame.getRootNode().adoptedStyleSheets = [base];
      frame.previousSibling?.remove();
      frame.height = Math.ceil(data.height);
      if (data.moved) frame.scrollIntoView({ block: "nearest" });
    }
  });

  customElements.define(tag, Widget);
})();
