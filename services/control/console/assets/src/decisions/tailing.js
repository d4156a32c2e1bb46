// New decisions on top of the list, as they are stored. How many there are is said now and then, never each one.
import { htmx } from "../shell/htmx.js";
import { counted, tell } from "./said.js";

const MOST_ROWS = 200;
const SAID_EVERY_MS = 10_000;
let source = null;

function start(button) {
  const waiting = new Map();
  let fresh = 0;
  let said = 0;
  source = new EventSource(button.dataset.from);
  const mine = source;
  // Said once the filter is taken: what is stored from then on appears.
  source.addEventListener("open", () => mine === source && tell(button.dataset.on), { once: true });
  source.addEventListener("decision", (event) => {
    if (waiting.size < MOST_ROWS || waiting.has(event.lastEventId)) waiting.set(event.lastEventId, event.data);
    if (waiting.size === 1) requestAnimationFrame(flush);
  });
  source.addEventListener("error", (event) => {
    if (mine !== source || (event.data === undefined && mine.readyState !== EventSource.CLOSED)) return;
    stop(button, button.dataset.ended);
  });

  function flush() {
    const body = document.querySelector("#list tbody");
    if (!body || mine !== source) return stop(button, "");
    for (const html of waiting.values()) fresh += put(body, html);
    waiting.clear();
    while (body.rows.length > MOST_ROWS) body.lastElementChild.remove();
    if (fresh && Date.now() - said > SAID_EVERY_MS) {
      tell(counted(button.dataset.new, fresh));
      [fresh, said] = [0, Date.now()];
    }
  }
}

// Puts a row in the place of the one of the same decision, or on top; returns how many are new.
function put(body, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = template.content.firstElementChild;
  const before = document.getElementById(row.id);
  if (before?.querySelector("input:checked")) row.querySelector("input[type=checkbox]").checked = true;
  if (before) before.replaceWith(row);
  else body.prepend(row);
  row.classList.add("fresh");
  htmx.trigger(row, "htmx:load");
  return before ? 0 : 1;
}

function stop(button, text) {
  source?.close();
  source = null;
  button.setAttribute("aria-pressed", "false");
  if (text) tell(text);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#live");
  if (!button) return;
  if (source) return stop(button, button.dataset.off);
  button.setAttribute("aria-pressed", "true");
  start(button);
});

function offer() {
  const button = document.getElementById("live");
  if (button) button.hidden = false;
  if (source && button?.getAttribute("aria-pressed") !== "true") {
    source.close(); // another list is looked at
    source = null;
  }
}
offer();
document.addEventListener("htmx:load", offer);
