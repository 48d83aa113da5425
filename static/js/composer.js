// Shows what was chosen without a new page, and copies lines to the clipboard. Without this file the button does it.

const form = document.querySelector("[data-pledge]");
let shown = chosen();
let asked = 0;

function chosen() {
  const values = new URLSearchParams(new FormData(form));
  for (const name of ["institution_query", "action"]) values.delete(name);
  return values.toString();
}

async function refresh() {
  const wanted = chosen();
  if (wanted === shown || !form.elements.institution?.value) return;
  shown = wanted;
  const turn = ++asked;
  const answer = await fetch(`?${wanted}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (turn !== asked || !answer.ok) return;
  history.replaceState(null, "", `?${wanted}`);
  document.querySelector("#result").replaceChildren(...page.querySelector("#result").childNodes);
  offerCopies();
}

function offerCopies() {
  for (const lines of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button button--quiet copy", textContent: lines.dataset.copy });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(lines.textContent);
      button.textContent = lines.dataset.copied;
    });
    lines.after(button);
  }
}

// The combobox sets its hidden field without an event of its own: hence after clicks and keys, too.
for (const kind of ["change", "click", "keyup"]) form.addEventListener(kind, () => setTimeout(refresh));
offerCopies();
