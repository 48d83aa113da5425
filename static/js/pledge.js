// Makes the pledge form quicker where scripts run; without this file the same form works with its search button.
// Words come from the data attributes of the page, so that nothing here needs translating.

const DEBOUNCE_MS = 160;
const SHORTEST_QUERY = 2;
const MOST_PROPOSALS = 3;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// A name of any script stands by itself: its direction must not turn its neighbours around.
const isolated = (text) => element("bdi", {}, text);
const enumerated = (parts) => new Intl.ListFormat(document.documentElement.lang, { type: "unit" }).format(parts.filter(Boolean));
const place = (match) => [match.other_name, match.city, match.country_name].filter(Boolean);

async function matchesFrom(address, parameters, signal) {
  const answer = await fetch(`${address}?${new URLSearchParams(parameters)}`, { signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()).matches;
}

// The combobox of WAI-ARIA 1.2 (list autocomplete, manual selection) on the institution's field.
class InstitutionField {
  constructor(field, form) {
    this.field = field;
    this.form = form;
    this.words = field.dataset;
    this.input = field.querySelector("#institution_query");
    this.findButton = field.querySelector("[data-find]");
    this.radios = field.querySelector("[data-matches]");
    this.id = element("input", { type: "hidden", name: "institution" });
    this.list = element("ul", { role: "listbox", id: "institution-list", "aria-label": this.input.labels[0].textContent });
    this.status = element("p", { role: "status", class: "status" });
    this.proposals = element("div", { role: "status", class: "proposals" });
    this.options = [];
    this.active = -1;
    this.prepare();
    this.listen();
  }

  prepare() {
    const attributes = {
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    };
    for (const [name, value] of Object.entries(attributes)) this.input.setAttribute(name, value);
    this.list.hidden = true;
    this.findButton.hidden = true;
    this.input.closest(".combobox").append(this.status, this.list); // the list lies over what comes after it
    this.field.prepend(this.proposals);
    const chosen = this.radios?.querySelector("input:checked");
    if (chosen) this.choose({ id: chosen.value, name: chosen.nextElementSibling.querySelector("bdi").textContent });
  }

  listen() {
    // Also while an input method composes: on Android every Latin word is a composition.
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.left());
    // Keeps the focus, and with it the keyboard of a phone, in the field.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.take(this.options.indexOf(event.target.closest("[role=option]"))));
  }

  typed() {
    this.forget();
    this.giveUp();
    const query = this.input.value.trim();
    if ([...query].length < SHORTEST_QUERY) return this.close();
    this.timer = setTimeout(() => this.search(query), DEBOUNCE_MS);
  }

  // What was asked for is not wanted any more.
  giveUp() {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  async search(query) {
    this.request = new AbortController();
    const country = this.form.elements.country?.value ?? "";
    try {
      this.show(await matchesFrom(this.words.search, { q: query, country }, this.request.signal));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.close();
      this.findButton.hidden = false;
      this.say(this.words.failed);
    }
  }

  show(matches) {
    this.matches = matches;
    this.options = matches.map((match, index) => this.option(index, isolated(match.name), place(match)));
    if (this.words.unlisted) {
      const last = this.option(matches.length, this.words.unlisted, []);
      last.dataset.unlisted = "";
      this.options.push(last);
    }
    this.list.replaceChildren(...this.options);
    this.list.hidden = !this.options.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.activate(-1);
    // Eyes see the matches by themselves; that there are none they must be told.
    if (matches.length) this.say(this.words.count.replace("{count}", matches.length), "vh");
    else this.say(this.words.none, "notice");
    if (!this.list.hidden) this.list.scrollIntoView({ block: "nearest" }); // below a field at the lower edge nobody saw it
  }

  say(words, look = "hint") {
    this.status.className = `status ${look}`;
    this.status.textContent = words;
  }

  option(index, name, details) {
    const line = element("small", { class: "facts" }, ...details.map((detail) => element("span", {}, isolated(detail))));
    return element("li", { role: "option", id: `institution-option-${index}`, "aria-selected": "false" }, name, details.length ? line : null);
  }

  activate(index) {
    this.options[this.active]?.setAttribute("aria-selected", "false");
    this.active = index;
    const option = this.options[index];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option?.id ?? "");
  }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return; // the keys belong to the input method
    const isOpen = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (isOpen) this.activate((this.active + step + this.options.length + (this.active < 0 && step < 0 ? 1 : 0)) % this.options.length);
      else if (!this.id.value) this.typed();
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      if (this.active < 0) this.activate(0);
      else this.take(this.active);
    } else if (event.key === "Tab" && isOpen && this.active >= 0) {
      this.take(this.active);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      this.giveUp();
      this.close();
    }
  }

  left() {
    const typed = this.input.value.trim().toLocaleLowerCase();
    const exact = this.list.hidden ? undefined : this.matches.filter((match) => match.name.toLocaleLowerCase() === typed);
    if (exact?.length === 1) this.choose(exact[0]);
    this.close();
  }

  take(index) {
    if (index < 0) return;
    if ("unlisted" in this.options[index].dataset) this.notListed();
    else this.choose(this.matches[index]);
  }

  choose(match) {
    this.giveUp();
    this.radios?.remove();
    this.field.append(this.id);
    this.id.value = match.id;
    this.input.value = match.name;
    this.input.removeAttribute("aria-invalid");
    this.proposals.replaceChildren();
    this.close();
    this.say(this.words.chosen.replace("{name}", enumerated([match.name, match.city, match.country_name])));
    const country = this.form.elements.country;
    if (country && !country.value && match.country) country.value = match.country;
  }

  forget() {
    this.radios?.remove();
    this.id.value = "";
    this.say("");
  }

  notListed() {
    this.giveUp();
    this.close();
    this.form.querySelector("[name=affiliation][value=unlisted]").checked = true;
    const text = this.form.elements.institution_text;
    text.value ||= this.input.value.trim();
    text.focus();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.activate(-1);
  }

  // The address stays here; only what follows its @ is sent.
  async propose(address) {
    const domain = address.split("@").at(1)?.trim() ?? "";
    if (!domain.includes(".") || this.id.value || this.input.value || this.radios?.isConnected) return;
    try {
      this.offer((await matchesFrom(this.words.proposals, { domain })).slice(0, MOST_PROPOSALS));
    } catch {
      // A proposal is a convenience: who gets none searches.
    }
  }

  offer(matches) {
    if (!matches.length) return this.proposals.replaceChildren();
    const buttons = matches.map((match) => {
      const button = element("button", { type: "button", class: "button button--quiet" }, isolated(match.name));
      button.addEventListener("click", () => {
        this.choose(match);
        this.input.focus();
      });
      return button;
    });
    this.proposals.replaceChildren(element("p", {}, this.words.suggested), ...buttons);
  }
}

// A second press while the first is on its way would send the form twice.
function sendOnce(form) {
  const button = form.querySelector(".button--big");
  const words = button.textContent;
  let isSent = false;
  const reset = () => {
    isSent = false;
    button.textContent = words;
    button.removeAttribute("aria-disabled");
  };
  form.addEventListener("submit", (event) => {
    if (isSent) return event.preventDefault();
    if (event.submitter?.value === "find") return;
    isSent = true;
    button.textContent = form.dataset.sending;
    button.setAttribute("aria-disabled", "true");
    setTimeout(reset, 10_000); // the network may have failed
  });
  addEventListener("pageshow", reset);
}

const form = document.querySelector("[data-pledge]");
const field = form.querySelector("[data-institution]");
sendOnce(form);
if (field) {
  const institution = new InstitutionField(field, form);
  form.elements.email?.addEventListener("change", (event) => institution.propose(event.target.value));
}
