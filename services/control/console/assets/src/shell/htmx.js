// htmx with its extension for server-sent events; its configuration is in the <meta> of layout.html.
import htmx from "htmx.org";
import "htmx-ext-sse";
import "idiomorph/htmx"; // hx-swap="morph:outerHTML": what is shown anew keeps its focus
import { say } from "./messages.js";

export { htmx };

const texts = document.getElementById("messages").dataset;

document.addEventListener("htmx:sendError", () => say(texts.unreachable, "error"));
document.addEventListener("htmx:timeout", () => say(texts.unreachable, "error"));
document.addEventListener("htmx:responseError", (event) => {
  const problem = problemOf(event.detail.xhr);
  if (problem.reason === "CONFIRMATION_NEEDED") return; // confirming.js asks
  say(problem.message || texts.failed, "error");
});
// A handler says something after it has done its work: `HX-Trigger: {"message": {"text": …, "kind": …}}`.
document.addEventListener("message", (event) => say(event.detail.text, event.detail.kind));

// What the control plane says of a request that it did not do.
export function problemOf(xhr) {
  try {
    const { reason = "", message, detail, errorDetails } = JSON.parse(xhr.responseText);
    return { reason, message: message || detail || errorDetails };
  } catch {
    return { reason: "", message: "" };
  }
}
