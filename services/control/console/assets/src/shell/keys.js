// Keys for the whole console; the dialog #keys says which. None acts while somebody types, chooses or is in a dialog, nor
// together with Ctrl, Alt or Meta; and they can be switched off in that dialog (WCAG 2.1.4).
const STORED = "pilote-keys";
const TYPED = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]";
const ROWS = "#page tbody tr:has(a[href]), #page .rows > :has(a[href])";
const dialog = document.getElementById("keys");
const off = () => localStorage.getItem(STORED) === "off";
const ACTS = {
  "?": () => dialog?.showModal(),
  "/": () => searchField()?.focus(),
  j: () => step(1),
  k: () => step(-1),
  x: () => focusedRow()?.querySelector("input[type=checkbox]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && event.target === searchField()) return event.target.blur();
  if (off() || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
  const act = Object.hasOwn(ACTS, event.key) && ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

function searchField() {
  return document.querySelector("#page [role=search] input:is([type=search], [type=text])");
}

// To the row after the one that has the focus, or before; Enter then opens it, as it opens any link.
function step(by) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
  if (!rows.length) return;
  const here = rows.indexOf(focusedRow());
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + by, 0), rows.length - 1);
  const link = rows[next].querySelector("a[href]");
  link.focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

function focusedRow() {
  return document.activeElement?.closest(ROWS);
}

const toggle = dialog?.querySelector("[data-keys]");
if (toggle) {
  toggle.checked = !off();
  toggle.addEventListener("change", () => localStorage.setItem(STORED, toggle.checked ? "on" : "off"));
}
