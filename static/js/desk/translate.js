// Translation, passage by passage: Ctrl-Enter saves one without leaving the page, Alt and an arrow go on, and others are
// seen who have the same passage in front of them. Without this script the form saves all of its passages at once.

const form = document.querySelector("[data-translate]");
const passages = [...form.querySelectorAll("[data-passage]")];
const token = document.querySelector("meta[name=form-token]").content;

const fieldOf = (passage) => passage.querySelector("textarea");
const say = (passage, words) => {
  const place = passage.querySelector("[data-status]");
  if (place) place.textContent = words;
};

function focus(passage) {
  const field = passage && fieldOf(passage);
  if (!field) return;
  field.focus();
  passage.scrollIntoView({ block: "nearest" });
}

function post(address, fields) {
  const headers = { "X-Form-Token": token, Accept: "application/json" };
  return fetch(address, { method: "POST", headers, body: new URLSearchParams(fields) });
}

// What goes wrong is left to the page: it shows both versions, or what is missing, with all that was typed.
async function save(passage, confirm) {
  const name = passage.dataset.passage;
  const base = form.elements[`base:${name}`];
  const field = fieldOf(passage);
  const typed = field.value;
  say(passage, form.dataset.saving);
  const fields = { [`text:${name}`]: typed, [`base:${name}`]: base.value };
  if (confirm) fields.confirm = name;
  try {
    const answer = await post(form.action, fields);
    if (!answer.ok) return form.requestSubmit();
    const { saved, done, total } = await answer.json();
    if (!saved[name]) return form.requestSubmit();
    base.value = [saved[name].version, ...base.value.split(".").slice(1)].join(".");
    field.defaultValue = typed;
    say(passage, form.dataset.saved);
    showState(passage, saved[name].state);
    const left = document.querySelector("[data-left]");
    if (left) left.textContent = (total - done).toLocaleString(document.documentElement.lang);
  } catch {
    say(passage, form.dataset.failed);
  }
}

function showState(passage, state) {
  if (state !== "done") return;
  const place = passage.querySelector("[data-state]");
  place.textContent = "";
  place.className = "";
  passage.querySelector("button[name=confirm]")?.remove();
}

form.addEventListener("keydown", (event) => {
  const passage = event.target.closest("[data-passage]");
  if (!passage || event.isComposing) return;
  const at = passages.indexOf(passage);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!passage.querySelector("button[name=take]")) save(passage, passage.querySelector("button[name=confirm]"));
    focus(passages[at + 1]);
  } else if (event.altKey && event.key === "ArrowDown") {
    event.preventDefault();
    focus(passages[at + 1]);
  } else if (event.altKey && event.key === "ArrowUp") {
    event.preventDefault();
    focus(passages[at - 1]);
  }
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=next], button[name=confirm]");
  const passage = button?.closest("[data-passage]");
  if (!passage || passage.querySelector("button[name=take]")) return;
  event.preventDefault();
  save(passage, button.name === "confirm");
});

const isChanged = () => passages.some((passage) => fieldOf(passage).value !== fieldOf(passage).defaultValue);
let isSending = false;
form.addEventListener("submit", () => { isSending = true; });
addEventListener("beforeunload", (event) => {
  if (!isSending && isChanged()) event.preventDefault();
});

let here = null;
function showOthers(others) {
  for (const passage of passages) {
    const name = others[passage.dataset.passage];
    passage.querySelector("[data-other]").textContent = name ? form.dataset.writing.replace("{name}", name) : "";
  }
}

async function tell() {
  if (!here || document.hidden) return;
  try {
    const answer = await post(form.dataset.here, { passage: here.dataset.passage });
    if (answer.ok) showOthers((await answer.json()).others);
  } catch {
    // The next time will do.
  }
}

form.addEventListener("focusin", (event) => {
  const passage = event.target.closest("[data-passage]");
  if (!passage || passage === here) return;
  here?.classList.remove("here");
  passage.classList.add("here");
  here = passage;
  tell();
});
setInterval(tell, 20000);
