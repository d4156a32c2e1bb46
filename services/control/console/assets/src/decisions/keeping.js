// What is pressed keeps the focus, though the page around it is made anew: found again by its id, or by what took its place.
let pressed = "";

document.addEventListener("htmx:beforeRequest", (event) => {
  const target = event.detail.target;
  if (target?.id === "page") pressed = event.detail.elt.id || document.activeElement?.id || "";
});

document.addEventListener("htmx:afterSettle", () => {
  if (!pressed || (document.activeElement && document.activeElement !== document.body)) return;
  const found = document.getElementById(pressed);
  if (found) found.focus({ preventScroll: true });
});

// A mistake in the filter: the caret goes to it.
function point() {
  const input = document.getElementById("filter");
  const column = Number(input?.dataset.column || 0);
  if (!column) return;
  input.focus();
  input.setSelectionRange(column - 1, column - 1);
}
point();
document.addEventListener("htmx:load", point);

// Where there is room, what narrows down is open.
document.addEventListener("htmx:load", () => {
  const narrow = document.getElementById("narrow");
  if (narrow && !narrow.dataset.seen && matchMedia("(width >= 70rem)").matches) narrow.open = true;
  if (narrow) narrow.dataset.seen = "";
});
