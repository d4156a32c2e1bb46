// Editors that need nothing but attributes: <textarea data-editor="yaml" data-check="/path"></textarea>, where POST
// /path with the text answers {"mistakes": […]}, see shell/editor.js.
import { ask } from "./shell/asking.js";
import { editing } from "./shell/editor.js";
import { htmx } from "./shell/htmx.js";

htmx.onLoad((root) => {
  for (const textarea of root.querySelectorAll("textarea[data-editor]:not([hidden])")) {
    const { editor: language, check } = textarea.dataset;
    editing(textarea, { language, check: check ? (text, signal) => mistakes(check, text, signal) : undefined, readOnly: textarea.readOnly });
  }
});

async function mistakes(path, text, signal) {
  const answer = await ask(path, { method: "POST", body: text, signal, headers: { "content-type": "text/plain" } });
  return answer.ok ? answer.body.mistakes : [];
}
