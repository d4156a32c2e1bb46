// The theme changes at once; the form that a browser without scripts would send is sent behind it.
document.addEventListener("change", (event) => {
  const choice = event.target.closest("form.preferences input[type=radio]");
  if (!choice) return;
  if (choice.name === "theme") document.documentElement.dataset.theme = choice.value;
  choice.form.requestSubmit();
});
