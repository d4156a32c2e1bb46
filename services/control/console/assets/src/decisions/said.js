// One live region, which stays while the page around it is made anew.
const region = document.createElement("div");
region.className = "unseen";
region.setAttribute("role", "status");
document.body.append(region);

export function tell(text) {
  region.textContent = text;
}

// "singular|plural" with {count}, as the server's texts are.
export function counted(forms, count) {
  const french = document.documentElement.lang === "fr";
  const [one, many] = [forms.split("|")[0], forms.split("|").at(-1)];
  const form = (french ? count < 2 : count === 1) ? one : many;
  return form.replace("{count}", new Intl.NumberFormat(document.documentElement.lang).format(count));
}
