// Bars of decisions by time and verdict; a part that is dragged over is looked at. By keyboard "Between" does the same.
import uPlot from "uplot";

const KINDS = ["allow", "defer", "hold", "deny"]; // as the server counts, from the bottom
const HEIGHT = 150;
const plots = new Map();

function draw(place) {
  plots.get(place)?.destroy();
  const { width, starts, counts } = JSON.parse(place.dataset.chart);
  const seconds = starts.map((at) => at / 1000);
  const sums = counts.map((row) => row.map((_, at) => row.slice(0, at + 1).reduce((sum, count) => sum + count, 0)));
  // The highest sum first, the others over it.
  const order = KINDS.map((_, at) => KINDS.length - 1 - at);
  const data = [seconds, ...order.map((at) => sums.map((row) => row[at]))];
  const bars = uPlot.paths.bars({ size: [0.92, 60], align: 1 });
  const ink = colour("--ink-2");
  const axis = { stroke: ink, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px Inter Variable" };
  const language = document.documentElement.lang;
  const plot = new uPlot(
    {
      width: Math.max(place.clientWidth, 200),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
      scales: { x: { time: true, range: [seconds[0], seconds.at(-1) + width / 1000] }, y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
      axes: [
        { ...axis, size: 26, grid: { show: false }, values: (_, splits) => splits.map((at) => said(at, splits, language)) },
        { ...axis, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8], values: (_, splits) => splits.map((count) => new Intl.NumberFormat(language, { notation: "compact" }).format(count)) },
      ],
      series: [{}, ...order.map((at) => ({ label: KINDS[at], fill: colour(`--${KINDS[at]}`), stroke: colour(`--${KINDS[at]}`), width: 0, paths: bars, points: { show: false } }))],
      hooks: { setSelect: [(chart) => brushed(chart, width)] },
    },
    data,
    place,
  );
  plots.set(place, plot);
}

function brushed(chart, width) {
  const { left, width: pixels } = chart.select;
  if (pixels < 3) return;
  const step = width / 1000;
  const from = Math.floor(chart.posToVal(left, "x") / step) * step;
  const to = Math.ceil(chart.posToVal(left + pixels, "x") / step) * step;
  const form = document.querySelector("form.finder");
  form.elements.from.value = field(from);
  form.elements.to.value = field(to);
  form.requestSubmit();
}

function field(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

function said(at, splits, language) {
  const day = splits.length > 1 && splits[1] - splits[0] >= 86_400;
  const shown = day ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(language, shown).format(new Date(at * 1000));
}

// A colour as it is in the theme: a canvas knows no custom properties.
function colour(name) {
  const probe = document.createElement("span");
  probe.className = `probe probe${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function drawAll() {
  for (const place of plots.keys()) {
    if (!place.isConnected) {
      plots.get(place).destroy();
      plots.delete(place);
    }
  }
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

drawAll();
document.addEventListener("htmx:load", (event) => {
  for (const place of event.target.querySelectorAll?.("[data-chart]") ?? []) draw(place);
});
addEventListener("resize", () => drawAll());
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
