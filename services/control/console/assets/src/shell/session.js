// A session that nobody uses ends. Its page says so two minutes before, and once it has, leads to logging in and back. How
// long it lasts is asked of the control plane, for other pages of the same browser use it as well.
const WARN_MS = 120_000;
const LOOK_MS = 15_000;
const dialog = document.getElementById("session");
const about = dialog?.querySelector("[data-ends]");
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" });
let timer = 0;
let over = false;

// What is left, in milliseconds; 0 once the session has ended, and `null` where nobody answers.
async function left(byItself) {
  try {
    const headers = { "hx-request": "true", ...(byItself ? { "x-pilote-by-itself": "true" } : {}) };
    const answer = await fetch(about.dataset.from, { headers });
    if (answer.headers.get("hx-trigger") === "session-ended" || answer.headers.get("hx-redirect")) return 0;
    return answer.ok ? (await answer.json()).leftMs : null;
  } catch {
    return null;
  }
}

export async function look() {
  if (about && !over) told(await left(true), "warn");
}

function told(leftMs, kind) {
  if (leftMs === 0) return ended();
  if (leftMs === null) return again(LOOK_MS);
  if (leftMs > WARN_MS) {
    if (dialog.open) dialog.close();
    return again(leftMs - WARN_MS);
  }
  show(kind, Date.now() + leftMs);
  again(Math.min(leftMs + 250, LOOK_MS));
}

function ended() {
  over = true;
  clearTimeout(timer);
  dialog.querySelector("a.button").href = about.dataset.login + encodeURIComponent(location.pathname + location.search);
  show("ended");
}

function show(kind, at) {
  for (const part of dialog.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== kind;
  if (at) dialog.querySelector("time").textContent = clock.format(at);
  if (!dialog.open) dialog.showModal();
}

function again(afterMs) {
  clearTimeout(timer);
  timer = setTimeout(look, afterMs);
}

if (about) {
  again(Math.max(0, Number(about.dataset.ends) - Date.now() - WARN_MS));
  dialog.querySelector("[data-stay]").addEventListener("click", async () => told(await left(false), "last"));
  document.addEventListener("session-ended", () => over || ended());
  // A computer that was asleep has not counted.
  document.addEventListener("visibilitychange", () => document.hidden || look());
}
