// Weights of a route: as one is moved the others give way, so that the whole stays 100 %; what follows is shown at once.
const WHOLE = 10_000; // basis points
const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);

for (const form of document.querySelectorAll("[data-weights]")) watch(form);

function watch(form) {
  const before = JSON.parse(form.dataset.weights).map((weight) => Math.round(weight * WHOLE));
  const fields = [...form.querySelectorAll('input[name^="weight:"]')];
  const sliders = fields.map((field) => form.querySelector(`[data-of="${field.id}"]`));
  for (const slider of sliders) slider.hidden = fields.some((field) => field.disabled);
  let now = fields.map((field) => read(field) ?? 0);
  form.addEventListener("input", (event) => {
    const index = Math.max(fields.indexOf(event.target), sliders.indexOf(event.target));
    if (index < 0) return;
    const typed = read(event.target);
    if (typed === null) return; // being typed; the server says what is wrong with it
    now = balanced(now, index, Math.min(typed, WHOLE), fields);
    show(event.target);
  });
  show(null);

  function show(except) {
    now.forEach((points, index) => {
      if (fields[index] !== except) fields[index].value = percent(points);
      if (sliders[index] !== except) sliders[index].value = points / 100;
    });
    let at = 0;
    form.querySelectorAll("#then rect").forEach((rect, index) => {
      rect.setAttribute("x", at / 100);
      rect.setAttribute("width", now[index] / 100);
      rect.querySelector("title").textContent = rect.querySelector("title").textContent.replace(/ [\d.,\u202f\u00a0]+%$/, ` ${percent(now[index])}\u00a0%`);
      at += now[index];
    });
    const status = form.querySelector("[data-text]");
    const moved = elsewhere(before, now);
    status.textContent = moved ? status.dataset.text.replace("{count}", number.format(Math.round(moved / 10))) : "";
  }
}

// The others share what is left in the ratio that they had; what cannot be changed keeps its weight.
function balanced(weights, index, points, fields) {
  const free = weights.map((_, each) => each).filter((each) => each !== index && !fields[each].readOnly);
  const fixed = weights.reduce((sum, weight, each) => sum + (each !== index && fields[each].readOnly ? weight : 0), 0);
  const own = Math.max(0, Math.min(points, WHOLE - fixed));
  const left = WHOLE - fixed - own;
  const had = free.reduce((sum, each) => sum + weights[each], 0);
  const next = [...weights];
  next[index] = free.length ? own : WHOLE - fixed;
  let given = 0;
  free.forEach((each, place) => {
    const share = had ? Math.round((left * weights[each]) / had) : Math.round(left / free.length);
    next[each] = place === free.length - 1 ? left - given : Math.min(share, left - given);
    given += next[each];
  });
  return next;
}

// Of 10,000 customers, how many get another arm: each arm has a stretch of the points that customers are hashed to.
function elsewhere(before, after) {
  let [a, b, kept] = [0, 0, 0];
  before.forEach((weight, index) => {
    kept += Math.max(0, Math.min(a + weight, b + after[index]) - Math.max(a, b));
    a += weight;
    b += after[index];
  });
  return WHOLE - kept;
}

function read(field) {
  const points = Number(field.value.trim().replace(",", ".")) * 100;
  return field.value.trim() && Number.isFinite(points) && points >= 0 ? Math.round(points) : null;
}

function percent(points) {
  return number.format(points / 100).replace(/\s/g, "");
}
