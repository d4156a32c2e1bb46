// Some changes want the password once more. When a response says so, its dialog opens, and the request is made again.
import { htmx, wantsConfirmation } from "./htmx.js";

let waiting = null;

document.addEventListener("htmx:responseError", async (event) => {
  const { xhr, requestConfig, target } = event.detail;
  if (!wantsConfirmation(xhr)) return;
  waiting = { config: requestConfig, target };
  const dialog = document.getElementById("confirm");
  await htmx.ajax("GET", dialog.dataset.from, { target: dialog, swap: "innerHTML" });
  if (!dialog.open) dialog.showModal();
});

// The answer to a right password: `HX-Trigger: confirmed`.
document.addEventListener("confirmed", () => {
  document.getElementById("confirm").close();
  if (!waiting) return;
  const { config, target } = waiting;
  waiting = null;
  const values = config.formData ? Object.fromEntries(config.formData) : {};
  htmx.ajax(config.verb, config.path, { source: config.elt, target, values });
});

document.getElementById("confirm")?.addEventListener("close", (event) => {
  event.target.replaceChildren(); // no password stays in the page
});
