// Where in a filter somebody is, and so what may come next. A filter is fields compared with values, joined by AND and OR.
const VALUE = /([A-Za-z_][\w.]*)\s*(!=|<=|>=|=|<|>|:)\s*(?:\((?:[^()]*?\bOR\s+)?)?("?)([^"'()\s]*)$/;
const COMPARATOR = /(?:^|[\s(])([A-Za-z_][\w.]*)\s+([!<>=:]*)$/;
const NAME = /(?:^|[\s(,-])([A-Za-z_][\w.]*)?$/;
const COMPLETE = /(?:[)"'\w*/.-])\s+([A-Za-z]*)$/;
const WORDS = new Set(["AND", "OR", "NOT"]);

// { kind: "value" | "comparator" | "joint" | "name" | "none", field, typed, from }: what is typed already begins at `from`.
export function placeIn(text, fields) {
  if (quoted(text) && !VALUE.test(text)) return { kind: "none" };
  const value = VALUE.exec(text);
  if (value) {
    const typed = value[4];
    return { kind: "value", field: value[1], typed, from: text.length - typed.length - value[3].length };
  }
  const compared = COMPARATOR.exec(text);
  if (compared && fields.has(compared[1])) {
    return { kind: "comparator", field: compared[1], typed: compared[2], from: text.length - compared[2].length };
  }
  const before = text.replace(/[A-Za-z]*$/, "");
  const complete = COMPLETE.exec(text);
  const last = /(\S+)\s+$/.exec(before)?.[1] ?? "";
  if (complete && !WORDS.has(last) && !fields.has(last) && !/[(,=<>:]$/.test(before.trimEnd())) {
    return { kind: "joint", typed: complete[1], from: text.length - complete[1].length };
  }
  const name = NAME.exec(text);
  const typed = name?.[1] ?? "";
  return name ? { kind: "name", typed, from: text.length - typed.length } : { kind: "none" };
}

// Whether the text ends within quotes.
function quoted(text) {
  return (text.replace(/\\./g, "").match(/"/g) ?? []).length % 2 === 1;
}

// A value as filters have it: in quotes, but for names of enums and numbers.
export function written(value, textual) {
  if (!textual || /^(?!(?:AND|OR|NOT|NULL|NONE|NIL|TRUE|FALSE)$)[A-Z][A-Z0-9_]*$/.test(value)) return value;
  return `"${value.replace(/[\\"*]/g, "\\$&")}"`;
}
