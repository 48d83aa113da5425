// Says that this case is open here, and who else has it open; ticks a whole page. All else works without it.

const MINUTE = 60_000;

async function look(status) {
  const token = document.querySelector("meta[name=form-token]").content;
  try {
    const answer = await fetch(status.dataset.open, { method: "POST", headers: { "X-Form-Token": token } });
    if (!answer.ok) return;
    const words = (await answer.text()).trim();
    const parsed = new DOMParser().parseFromString(words, "text/html").body.textContent.trim();
    if (status.textContent.trim() !== parsed) status.textContent = parsed;
  } catch {
    // Offline for a moment; the next look will say.
  }
}

const status = document.querySelector("[data-open]");
if (status) {
  look(status);
  setInterval(() => document.hidden || look(status), MINUTE);
}

const all = document.querySelector("[data-tick-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("click", () => {
    for (const box of all.form.querySelectorAll("input[type=checkbox]")) box.checked = true;
  });
}
