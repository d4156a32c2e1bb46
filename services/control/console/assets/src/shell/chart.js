// Values over time (uPlot). What a chart shows is said in words or in a table beside it: it is a picture for those who see.
import uPlot from "uplot";

const french = document.documentElement.lang === "fr";
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });

// options:
//   data      {at: [milliseconds since the epoch…], series: [{label, colour, values: […, null for unknown]}]}
//             colour: a token's name, such as "allow", "deny", "hold", "defer", "accent", "ink-3"
//   kind      "lines", "bars" (stacked) or "band" (three series: the middle, from, to)
//   height    in pixels
//   unit      what stands behind a value, such as " ms"
//   brushed   (fromMs, toMs) => …, when somebody has drawn over a part; keyboards need fields beside it
// Returns {set(data), destroy()}.
export function chart(element, { data, kind = "lines", height = 180, unit = "", brushed } = {}) {
  let shown = data;
  let plot = null;

  function draw() {
    plot?.destroy();
    plot = new uPlot(options(), columns(shown, kind), element);
  }

  function options() {
    const ink = colour("ink-3");
    const axis = { stroke: ink, font: "12px 'Inter Variable', sans-serif", ticks: { show: false } };
    return {
      width: Math.max(element.clientWidth, 120),
      height,
      legend: { live: true },
      cursor: { drag: { x: Boolean(brushed), y: false, setScale: false }, points: { size: 7 } },
      select: { show: Boolean(brushed) },
      scales: { x: { time: true, range: (_, first, last) => around(first, last) }, y: { range: (_, least, most) => [Math.min(0, least ?? 0), (most || 1) * 1.05] } },
      axes: [
        { ...axis, size: 30, space: room, grid: { show: false }, values: (_, splits) => times(splits) },
        { ...axis, size: 56, grid: { stroke: colour("line"), width: 1 }, values: (_, splits) => splits.map((each) => number.format(each) + unit) },
      ],
      series: [
        { label: french ? "Heure" : "Time", value: (_, at) => (at == null ? "–" : full.format(at * 1000)) },
        ...shown.series.map((series, index) => styled(series, index)),
      ],
      bands: kind === "band" ? [{ series: [3, 2], fill: alpha(colour(shown.series[0].colour), 0.16) }] : [],
      hooks: { setSelect: [select] },
    };
  }

  // Half a bar more on each side, so that the first and the last are whole.
  function around(first, last) {
    const half = kind === "bars" && shown.at.length > 1 ? (last - first) / (shown.at.length - 1) / 2 : 0;
    return first === last ? [first - 30, last + 30] : [first - half, last + half];
  }

  function styled(series, index) {
    const stroke = colour(series.colour);
    const value = (_, __, ___, at) => (at == null || series.values[at] == null ? "–" : number.format(shown.series[index].values[at]) + unit);
    // The looks of a band are few, and one of them may be alone: no line leads to it.
    const shared = { label: series.label, value, points: { show: kind === "band", size: 5 } };
    if (kind === "bars") return { ...shared, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.86, 64], gap: 1 }) };
    if (kind === "band" && index) return { ...shared, stroke: alpha(stroke, 0.4), width: 1 };
    return { ...shared, stroke, width: 1.75, spanGaps: false };
  }

  function select(of) {
    if (!of.select.width) return;
    const [from, to] = [of.select.left, of.select.left + of.select.width].map((each) => of.posToVal(each, "x") * 1000);
    brushed(Math.floor(from), Math.ceil(to));
  }

  draw();
  const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(element.clientWidth, 120), height }));
  resized.observe(element);
  // The theme changes under it: by its switch, or by the system.
  const themed = new MutationObserver(draw);
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  return {
    set(next) {
      const same = next.series.length === shown.series.length && kind !== "band";
      shown = next;
      if (same) plot.setData(columns(next, kind));
      else draw();
    },
    destroy() {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
      plot.destroy();
    },
  };
}

// Bars stand on each other; the tallest is drawn first, so that the others cover it.
function columns({ at, series }, kind) {
  const seconds = at.map((each) => each / 1000);
  if (kind !== "bars") return [seconds, ...series.map((each) => each.values)];
  const sums = at.map(() => 0);
  const stacked = [...series].reverse().map(({ values }) => values.map((value, index) => (sums[index] += value || 0)));
  return [seconds, ...stacked.reverse()];
}

// How far apart times stand, so that none runs into the next: those with seconds are longer.
function room(_, __, first, last) {
  return last - first < 180 ? 96 : 72;
}

function times(splits) {
  const span = splits.at(-1) - splits[0];
  const shown = span > 2 * 86_400 ? day : span < 180 ? second : clock;
  return splits.map((each) => shown.format(each * 1000));
}

// A token's colour as a canvas takes it.
function colour(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(--chart-${token}, var(--${token}))`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function alpha(rgb, share) {
  return rgb.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${share})`);
}
