// Bars of decisions by time and verdict; a part that is drawn over is looked at. By keyboard "Between" does the same.
import { chart } from "../shell/chart.js";
import { htmx } from "../shell/htmx.js";

const KINDS = ["allow", "defer", "hold", "deny"]; // as the server counts, from the bottom

htmx.onLoad((root) => {
  for (const place of root.querySelectorAll("[data-histogram]:empty")) {
    const { width, starts, counts, labels } = JSON.parse(place.dataset.histogram);
    chart(place, {
      kind: "bars",
      height: 170,
      data: {
        at: starts.map((start) => start + width / 2),
        series: KINDS.map((kind, index) => ({ label: labels[index], colour: kind, values: counts.map((row) => row[index]) })),
      },
      brushed: (from, to) => look(Math.floor(from / width) * width, Math.ceil(to / width) * width),
    });
  }
});

function look(from, to) {
  const form = document.querySelector("form.finder");
  if (!form) return;
  form.elements.from.value = field(from);
  form.elements.to.value = field(to);
  form.requestSubmit();
}

function field(at) {
  return new Date(at).toISOString().slice(0, 19);
}
