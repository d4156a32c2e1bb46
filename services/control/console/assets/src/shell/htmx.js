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
  const { xhr } = event.detail;
  if (!wantsConfirmation(xhr)) say(problemOf(xhr).detail || texts.failed, "error"); // else confirming.js asks
});
// A handler says something after it has done its work: `HX-Trigger: {"message": {"text": …, "kind": …}}`.
document.addEventListener("message", (event) => say(event.detail.text, event.detail.kind));

// What nobody has pressed or typed, such as a look now and then, keeps no session from ending.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["x-pilote-by-itself"] = "true";
});

export function wantsConfirmation(xhr) {
  return /^(PROVIDER_)?CONFIRMATION_NEEDED$/.test(problemOf(xhr).reason);
}

// What the control plane says of a request that it did not do: problem details, RFC 9457.
export function problemOf(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return {};
  }
}
