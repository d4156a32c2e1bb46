// A slider beside each number: dragging it writes the number, and the form asks anew as if that had been typed.
for (const knob of document.querySelectorAll("[data-knob]")) {
  const number = knob.querySelector("input[type=number]");
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "0";
  slider.max = knob.dataset.high;
  slider.step = "1";
  slider.setAttribute("aria-label", knob.dataset.label);
  const follow = () => {
    if (number.value !== "") slider.max = String(Math.max(Number(slider.max), Number(number.value)));
    slider.value = number.value === "" ? slider.max : number.value;
  };
  follow();
  number.addEventListener("input", follow);
  slider.addEventListener("input", () => {
    number.value = slider.value;
  });
  number.after(slider);
}

// Keeping is no asking: the form is sent as it is, and leads to the draft.
const keep = document.querySelector("[data-keep]");
if (keep) {
  keep.addEventListener("click", (event) => {
    event.preventDefault();
    const form = keep.form;
    if (!form.reportValidity()) return;
    form.action = keep.getAttribute("formaction");
    form.submit();
  });
}
