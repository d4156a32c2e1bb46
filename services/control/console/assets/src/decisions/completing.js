// Completion of filters: a combobox as ARIA describes it. Without this script it is a plain input.
import { counted, tell } from "./said.js";
import { placeIn, written } from "./grammar.js";

const MOST = 12;
const JOINTS = ["AND", "OR"];
let described; // fields and functions, asked for once

function setUp(box) {
  const input = box.querySelector("input");
  if (!input || input.role === "combobox") return;
  const list = document.createElement("ul");
  list.id = "filter-options";
  list.role = "listbox";
  list.hidden = true;
  list.setAttribute("aria-label", box.dataset.label);
  box.append(list);
  for (const [name, value] of [
    ["role", "combobox"],
    ["aria-expanded", "false"],
    ["aria-controls", list.id],
    ["aria-autocomplete", "list"],
  ])
    input.setAttribute(name, value);
  const combo = new Combo(box, input, list);
  input.addEventListener("input", () => combo.offer());
  input.addEventListener("keydown", (event) => combo.press(event));
  input.addEventListener("blur", () => combo.close());
  input.addEventListener("click", () => combo.offer());
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the input keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) combo.take(Number(option.dataset.place));
  });
}

class Combo {
  constructor(box, input, list) {
    Object.assign(this, { box, input, list, options: [], active: -1, asked: 0, values: new Map() });
  }

  async offer() {
    const mine = ++this.asked;
    const known = await fieldsOf(this.box.dataset.fields);
    if (!known || mine !== this.asked) return;
    const text = this.input.value.slice(0, this.input.selectionStart);
    const place = placeIn(text, known.byName);
    const options = (await this.optionsAt(place, known)).slice(0, MOST);
    if (mine === this.asked && document.activeElement === this.input) this.show(place, options);
  }

  async optionsAt(place, known) {
    const typed = (place.typed ?? "").toLowerCase();
    const begins = (text) => text.toLowerCase().startsWith(typed);
    if (place.kind === "name") {
      const names = known.fields.filter((field) => begins(field.name));
      const others = typed.length > 2 ? known.fields.filter((field) => !begins(field.name) && (field.name.includes(typed) || field.description.toLowerCase().includes(typed))) : [];
      const functions = known.functions.filter((each) => begins(each.name));
      return [
        ...[...names, ...others].map((field) => ({ text: field.name, about: field.description, put: `${field.name}${field.keyed ? "." : " "}` })),
        ...functions.map((each) => ({ text: each.usage, about: each.description, put: `${each.usage} ` })),
      ];
    }
    if (place.kind === "joint") return JOINTS.filter(begins).map((word) => ({ text: word, about: "", put: `${word} ` }));
    const field = known.byName.get(place.field);
    if (!field) return [];
    if (place.kind === "comparator") {
      return field.comparators.filter(begins).map((sign) => ({ text: sign, about: "", put: `${sign} ` }));
    }
    if (place.kind !== "value") return [];
    const values = field.values.length ? field.values.map((value) => ({ value })) : await this.lately(field);
    return values
      .filter(({ value }) => value.toLowerCase().includes(typed))
      .map(({ value, count }) => ({ text: value, about: count ? number(count) : "", put: `${written(value, field.textual)} ` }));
  }

  // The values that a field has had lately.
  async lately(field) {
    if (!field.countable) return [];
    if (!this.values.has(field.name)) {
      const asked = fetch(`${this.box.dataset.values}&field=${encodeURIComponent(field.name)}`);
      this.values.set(field.name, asked.then((answer) => (answer.ok ? answer.json() : [])).catch(() => []));
    }
    return this.values.get(field.name);
  }

  show(place, options) {
    this.place = place;
    this.options = options;
    this.active = -1;
    this.list.replaceChildren(...options.map(optionOf));
    const open = options.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    this.input.removeAttribute("aria-activedescendant");
    if (open) tell(counted(this.box.dataset.said, options.length));
  }

  close() {
    this.asked++;
    this.list.hidden = true;
    this.options = [];
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  press(event) {
    const open = this.options.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return void this.offer();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.mark((this.active + step + this.options.length + (this.active < 0 && step < 0 ? 1 : 0)) % this.options.length);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.close();
    } else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0) {
      event.preventDefault();
      this.take(this.active);
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.offer();
    }
  }

  mark(place) {
    this.active = place;
    for (const [at, option] of [...this.list.children].entries()) {
      option.setAttribute("aria-selected", String(at === place));
      if (at === place) option.scrollIntoView({ block: "nearest" });
    }
    this.input.setAttribute("aria-activedescendant", this.list.children[place].id);
  }

  take(at) {
    const { put } = this.options[at];
    const end = this.input.selectionStart;
    const rest = this.input.value.slice(end).replace(/^[\w.]*"?\s*/, "");
    const before = this.input.value.slice(0, this.place.from) + put;
    this.input.value = before + rest;
    this.input.setSelectionRange(before.length, before.length);
    this.close();
    this.offer();
  }
}

async function fieldsOf(path) {
  described ??= fetch(path)
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((known) => known && { ...known, byName: new Map(known.fields.map((field) => [field.name, field])) })
    .catch(() => null);
  const known = await described;
  if (!known) described = undefined; // another time
  return known;
}

function optionOf({ text, about }, place) {
  const option = document.createElement("li");
  option.role = "option";
  option.id = `filter-option-${place}`;
  option.dataset.place = place;
  option.setAttribute("aria-selected", "false");
  const name = document.createElement("code");
  name.textContent = text;
  const beside = document.createElement("span");
  beside.textContent = about;
  option.append(name, beside);
  return option;
}

function number(count) {
  return new Intl.NumberFormat(document.documentElement.lang).format(Number(count));
}

function setUpAll() {
  for (const box of document.querySelectorAll(".completing")) setUp(box);
}
setUpAll();
document.addEventListener("htmx:load", setUpAll);
