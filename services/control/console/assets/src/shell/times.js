// Times come in UTC; they are shown in the reader's own zone, and what is "ago" keeps being true.
const language = document.documentElement.lang;
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

function show(element) {
  const at = new Date(element.dateTime);
  if (!element.dataset.utc) element.dataset.utc = element.textContent;
  element.title = element.dataset.utc;
  element.textContent = shown(at, element.dataset.local);
}

function shown(at, how) {
  if (how === "day") return day.format(at);
  if (how === "clock") return clock.format(at);
  if (how === "ago") return ago(at);
  return moment.format(at);
}

function ago(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

export function showAll(root) {
  for (const element of root.querySelectorAll("time[data-local]")) show(element);
}

showAll(document);
document.addEventListener("htmx:load", (event) => showAll(event.target));
setInterval(() => {
  for (const element of document.querySelectorAll('time[data-local="ago"]')) show(element);
}, 5_000);
