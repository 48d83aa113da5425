// Makes the map of lights easier to explore: names the light nearest to finger, pointer or focus, and shows how the
// lights came on. Without this file every light is still a link with its name.

const NEAR_PX = 26;
const STEP_MS = 350;

class LightMap {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.note = figure.querySelector("[data-note]");
    this.ring = figure.querySelector(".ring");
    this.links = [...this.svg.querySelectorAll("a")];
    this.dated = [...this.svg.querySelectorAll('[class^="m"]')];
    this.svg.dataset.ringed = "";
    this.listen();
    const time = figure.querySelector("[data-time]");
    if (time) this.showTime(time);
  }

  listen() {
    // On the figure: an SVG that listens for the focus gets it itself in Chromium.
    this.figure.addEventListener("focusin", ({ target }) => this.svg.contains(target) && this.name(target.closest("a")));
    this.svg.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.name(this.nearest(event)));
    this.svg.addEventListener("click", (event) => this.press(event));
  }

  // With a mouse or a key a light is a link; a finger hits the nearest one, which first says what it is. A click with
  // a key held, for a new tab or window, is the browser's.
  press(event) {
    if (event.detail === 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = this.nearest(event);
    if (!link) return;
    const leads = event.pointerType === "mouse";
    event.preventDefault();
    this.name(link);
    if (leads) location.assign(link.href.baseVal);
  }

  place(link) {
    const { x, y } = link.querySelector("use");
    return [x.baseVal.value, y.baseVal.value];
  }

  nearest({ clientX, clientY }) {
    const inMap = this.svg.getScreenCTM().inverse();
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(inMap);
    let best = null;
    let least = NEAR_PX * inMap.a;
    for (const link of this.links) {
      if (link.classList.contains("later")) continue;
      const [left, top] = this.place(link);
      const distance = Math.hypot(left - x, top - y);
      if (distance < least) [best, least] = [link, distance];
    }
    return best;
  }

  name(link) {
    this.svg.style.cursor = link ? "pointer" : "";
    this.ring.setAttribute("visibility", link ? "visible" : "hidden");
    if (!link || link === this.named) return;
    this.named = link;
    const [x, y] = this.place(link);
    this.ring.setAttribute("cx", x);
    this.ring.setAttribute("cy", y);
    const words = document.createElement("a");
    words.href = link.href.baseVal;
    words.textContent = link.querySelector("title").textContent;
    this.note.replaceChildren(words);
  }

  showTime(time) {
    this.slider = time.querySelector("input");
    this.output = time.querySelector("output");
    this.months = JSON.parse(this.slider.dataset.months);
    time.hidden = false;
    this.slider.addEventListener("input", () => this.until(this.slider.valueAsNumber));
    time.querySelector("[data-play]").addEventListener("click", () => this.play());
    this.until(this.slider.valueAsNumber);
  }

  until(month) {
    this.slider.value = month;
    this.output.textContent = this.months[month];
    this.slider.setAttribute("aria-valuetext", this.months[month]);
    for (const light of this.dated) light.classList.toggle("later", Number(light.classList[0].slice(1)) > month);
  }

  play() {
    clearInterval(this.playing);
    this.until(0);
    this.playing = setInterval(() => {
      this.until(this.slider.valueAsNumber + 1);
      if (this.slider.value === this.slider.max) clearInterval(this.playing);
    }, STEP_MS);
  }
}

for (const figure of document.querySelectorAll("[data-map]")) new LightMap(figure);
