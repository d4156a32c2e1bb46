// The page Now: follows what happens, while it is looked at, and shows it without moving what is around it.
import uPlot from "uplot";
import { htmx } from "./shell/htmx.js";
import { showAll } from "./shell/times.js";

const AGAIN_MS = 5_000;
const root = document.getElementById("now");
const state = document.getElementById("now-state");
const told = document.getElementById("now-series");
const VERDICTS = ["allow", "deny", "hold", "defer"];
const charts = [];
let source = null;
let again = 0;

// One chart; `stacked` shows all verdicts one upon the other, else their sum.
class Chart {
  constructor(id, name, stacked) {
    this.element = document.getElementById(id);
    this.name = name;
    this.stacked = stacked;
    if (this.element) this.draw();
  }

  draw() {
    if (this.plot) this.plot.destroy();
    const ink = colour("--ink-2");
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: `12px ${getComputedStyle(document.body).fontFamily}` };
    const line = (verdict) => ({ stroke: colour(verdict), fill: colour(`${verdict}-soft`), width: 1.5, points: { show: false } });
    const series = this.stacked ? VERDICTS.map((verdict) => line(`--${verdict}`)).reverse() : [line("--accent")];
    const options = {
      ...this.size(),
      series: [{}, ...series],
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
      axes: [{ ...axis, space: 80, values: clocks }, { ...axis, size: 44 }],
    };
    this.plot = new uPlot(options, this.data(), this.element);
  }

  size() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  // The highest of a stack is drawn first, so that the others lie before it.
  data() {
    const series = JSON.parse(told.dataset.series)[this.name];
    if (!series) return [[], ...(this.stacked ? VERDICTS.map(() => []) : [[]])];
    const times = series.lines[0].map((_, place) => series.start + place * series.step);
    const sums = [];
    for (const line of series.lines) {
      const below = sums.at(-1);
      sums.push(below ? line.map((value, place) => value + below[place]) : line);
    }
    return [times, ...(this.stacked ? sums.reverse() : [sums.at(-1)])];
  }

  update() {
    if (this.plot) this.plot.setData(this.data());
  }
}

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" });
const second = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });

function clocks(_, splits) {
  const format = splits.length > 1 && splits[1] - splits[0] < 60 ? second : clock;
  return splits.map((at) => format.format(at * 1_000));
}

// What a custom property comes to in the scheme that is shown.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function describe() {
  const series = JSON.parse(told.dataset.series);
  for (const chart of charts) {
    if (!chart.element || !series[chart.name]) continue;
    const { lines, step } = series[chart.name];
    const sums = lines.map((line) => Math.round(step * line.reduce((sum, value) => sum + value, 0)));
    const label = VERDICTS.reduce((text, verdict, place) => text.replace(`%${verdict}`, sums[place]), told.dataset.described);
    chart.element.setAttribute("aria-label", label);
  }
}

// Put new content into a region, unless it is the same, or somebody is in it.
const before = new Map();
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
  for (const chart of charts) chart.update();
  describe();
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

charts.push(new Chart("chart-seconds", "seconds", false), new Chart("chart-minutes", "minutes", true));
describe();
follow();
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
addEventListener("pagehide", leave);
const redraw = () => charts.forEach((chart) => chart.element && chart.draw());
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(() => charts.forEach((chart) => chart.plot && chart.plot.setSize(chart.size()))).observe(root);
