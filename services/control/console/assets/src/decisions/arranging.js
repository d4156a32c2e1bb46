// Columns are put in order by two buttons each: by mouse, by finger and by keyboard alike. The form sends them as they stand.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-columns] [data-move]");
  if (!button) return;
  const item = button.closest("li");
  const other = button.dataset.move === "1" ? item.nextElementSibling : item.previousElementSibling;
  if (!other) return;
  if (button.dataset.move === "1") other.after(item);
  else other.before(item);
  button.focus();
});

function offer() {
  for (const moves of document.querySelectorAll("[data-columns] .moves")) moves.hidden = false;
}
offer();
document.addEventListener("htmx:load", offer);
