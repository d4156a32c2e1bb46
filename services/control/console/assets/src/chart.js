// Charts that need nothing but attributes: <div class="chart" data-chart='{"kind": …, "data": …}'></div>, see
// shell/chart.js. With data-brush="ID" the form of that id gets `from` and `to` (milliseconds), and is sent.
import { chart } from "./shell/chart.js";
import { htmx } from "./shell/htmx.js";

htmx.onLoad((root) => {
  for (const element of root.querySelectorAll("[data-chart]:empty")) {
    const form = document.getElementById(element.dataset.brush);
    const brushed = form
      ? (from, to) => {
          form.elements.from.value = from;
          form.elements.to.value = to;
          form.requestSubmit();
        }
      : undefined;
    chart(element, { ...JSON.parse(element.dataset.chart), brushed });
  }
});
