// The page Now: follows what happens, while it is looked at, and shows it without moving what is around it.
import { chart } from "./shell/chart.js";
import { htmx } from "./shell/htmx.js";
import { showAll } from "./shell/times.js";

const AGAIN_MS = 5_000;
const VERDICTS = ["allow", "deny", "hold", "defer"];
const root = document.getElementById("now");
const state = document.getElementById("now-state");
const told = document.getElementById("now-series");
const charts = [];
const before = new Map();
let source = null;
let again = 0;

// Draw what is told of calls, for the first time or anew, and say it in words.
function draw() {
  const series = JSON.parse(told.dataset.series);
  for (const name of ["seconds", "minutes"]) {
    const element = document.getElementById(`chart-${name}`);
    if (!element || !series[name]) continue;
    const data = name === "minutes" ? verdicts(series[name]) : sums(series[name]);
    if (charts[name]) charts[name].set(data);
    else charts[name] = chart(element, { data, kind: name === "minutes" ? "bars" : "lines" });
    element.setAttribute("aria-label", described(series[name]));
  }
}

function times({ start, step, lines }) {
  return lines[0].map((_, place) => (start + place * step) * 1_000);
}

function sums(series) {
  const values = series.lines[0].map((_, place) => series.lines.reduce((sum, line) => sum + line[place], 0));
  return { at: times(series), series: [{ label: told.dataset.calls, colour: "accent", values }] };
}

function verdicts(series) {
  const labels = told.dataset.verdicts.split("|");
  const shown = series.lines.map((values, place) => ({ label: labels[place], colour: VERDICTS[place], values }));
  return { at: times(series), series: shown };
}

function described({ lines, step }) {
  const counts = lines.map((line) => Math.round(step * line.reduce((sum, value) => sum + value, 0)));
  return VERDICTS.reduce((text, verdict, place) => text.replace(`%${verdict}`, counts[place]), told.dataset.described);
}

// Put new content into a region, unless it is the same, or somebody is in it.
function put(name, html) {
  const region = document.getElementById(`now-${name}`);
  if (!region || before.get(name) === html || region.contains(document.activeElement)) return;
  before.set(name, html);
  const made = document.createElement("template");
  made.innerHTML = html;
  showAll(made.content);
  region.replaceChildren(made.content);
  htmx.process(region);
}

function say(kind) {
  if (state.className === `now-state ${kind}`) return;
  state.className = `now-state ${kind}`;
  state.querySelector(".said").textContent = state.dataset[kind];
}

function heard(event) {
  const { regions, series, called } = JSON.parse(event.data);
  if (called !== (root.dataset.called === "yes")) return location.reload(); // the first call has come
  for (const [name, html] of Object.entries(regions)) put(name, html);
  told.dataset.series = series;
  draw();
  say("live");
}

function follow() {
  clearTimeout(again);
  if (source || document.hidden) return;
  say("connecting");
  source = new EventSource(root.dataset.follow);
  source.addEventListener("now", heard);
  source.addEventListener("error", () => {
    say("lost");
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    leave();
    again = setTimeout(follow, AGAIN_MS);
  });
}

function leave() {
  if (source) source.close();
  source = null;
}

draw();
follow();
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
addEventListener("pagehide", leave);
