// In the frame: applies the look of the page around it, reports to it how high the form is, sends a form once.

const root = document.documentElement;
const { host, accent } = root.dataset;
const LOOKS = { accent: ["--action", "color"], background: ["--paper", "color"], text: ["--ink", "color"], radius: ["--radius", "border-radius"] };

for (const [name, [property, kind]] of Object.entries(LOOKS)) {
  const value = root.dataset[name];
  if (value && CSS.supports(kind, value)) root.style.setProperty(property, value);
}

// Words on the accent are dark or light, whichever can be read (WCAG 2.2, relative luminance).
const button = document.querySelector(".button");
if (accent && button) {
  // Painted and read back: colours are written in many ways (CSS Color 4), and some let the paper through.
  const paint = document.createElement("canvas").getContext("2d");
  for (const element of [root, button]) {
    paint.fillStyle = getComputedStyle(element).backgroundColor;
    paint.fillRect(0, 0, 1, 1);
  }
  const channels = [...paint.getImageData(0, 0, 1, 1).data];
  const [red, green, blue] = channels.map((channel) => ((channel / 255 + 0.055) / 1.055) ** 2.4);
  const isLight = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
  root.style.setProperty("--on-action", isLight ? "#0b1633" : "#fff");
}

if (host && parent !== window) {
  const tell = (more) => parent.postMessage({ height: document.body.getBoundingClientRect().height, ...more }, host);
  tell({ moved: "moved" in root.dataset });
  new ResizeObserver(() => tell()).observe(document.body);
}

document.querySelector(".error-summary")?.focus({ preventScroll: true });

for (const form of document.forms) {
  let isSent = false;
  const send = form.querySelector(".button--big");
  const words = send.textContent;
  const reset = () => {
    isSent = false;
    send.textContent = words;
  };
  form.addEventListener("submit", (event) => {
    if (isSent) return event.preventDefault();
    isSent = true;
    send.textContent = form.dataset.sending;
    setTimeout(reset, 10_000); // the network may have failed
  });
  addEventListener("pageshow", reset);
}
