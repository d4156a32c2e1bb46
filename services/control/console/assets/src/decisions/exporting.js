// The browser writes the file; how far it is, is asked for meanwhile.
import { htmx } from "../shell/htmx.js";

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-exporting]");
  if (!form) return;
  const name = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let field = form.elements.progress;
  if (!field) {
    field = document.createElement("input");
    [field.type, field.name] = ["hidden", "progress"];
    form.append(field);
  }
  field.value = name;
  const shown = document.createElement("div");
  shown.setAttribute("hx-get", `/decisions/exports/${name}`);
  shown.setAttribute("hx-trigger", "load delay:300ms, every 1s");
  shown.setAttribute("hx-swap", "innerHTML");
  form.querySelector(".exporting").replaceChildren(shown);
  htmx.process(shown);
});

// A menu closes by Escape, and when somebody goes on elsewhere.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
