// Single keys: by their place on the keyboard, so that they are the same in every layout. An account can switch them off.
// j and k go through what is marked data-steps; data-key names the key of a button or link; ? lists them.

const CODES = { KeyJ: 1, KeyK: -1 };

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]");
}

function step(by) {
  const links = [...document.querySelectorAll("[data-steps] a[href]")];
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by]?.focus();
}

function act(event) {
  if (event.key === "?") return document.querySelector("#keys").showModal();
  if (event.key === "/") return document.querySelector("input[type=search]")?.focus();
  if (event.code in CODES) return step(CODES[event.code]);
  const letter = event.code.replace("Key", "");
  return document.querySelector(`[data-key="${CSS.escape(letter)}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (!("keys" in document.body.dataset) || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "/") event.preventDefault();
  act(event);
});
