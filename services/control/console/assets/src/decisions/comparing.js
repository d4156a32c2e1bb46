// Two decisions are compared, so that a third one that is ticked takes the place of the one before it.
const ticked = [];

document.addEventListener("change", (event) => {
  const box = event.target.closest('input[form="comparing"]');
  if (!box) return;
  const place = ticked.indexOf(box.value);
  if (place >= 0) ticked.splice(place, 1);
  if (box.checked) ticked.push(box.value);
  while (ticked.length > 2) untick(ticked.splice(1, 1)[0]);
  show();
});

function untick(id) {
  const box = document.querySelector(`input[form="comparing"][value="${CSS.escape(id)}"]`);
  if (box) box.checked = false;
}

// The button stands at the list's head, and stays in sight while two are ticked.
function show() {
  const form = document.getElementById("comparing");
  if (!form) return;
  const count = document.querySelectorAll('input[form="comparing"]:checked').length;
  if (!count) ticked.length = 0;
  form.classList.toggle("ready", count === 2);
  form.querySelector("button").classList.toggle("main", count === 2);
}
show();
document.addEventListener("htmx:load", show);
