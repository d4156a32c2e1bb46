// The text of a draft, or of a suite of probes: an editor that checks and completes while somebody types, and follows what forms change.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { say } from "./shell/messages.js";

const CHECK_AFTER_MS = 300;
const KINDS = { key: "property", value: "enum", name: "constant", variable: "variable", field: "property", function: "function" };
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-text)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--code-value)" },
  { tag: [tags.punctuation, tags.separator, tags.brace, tags.squareBracket], color: "var(--ink-2)" },
]);

const panel = document.getElementById("editor");
if (panel) edit(panel);

function edit(panel) {
  const words = panel.dataset;
  const area = document.getElementById("text");
  const path = words.path;
  let saved = area.value;
  let version = words.version;
  let timer = 0;
  let asked = 0;

  const view = new EditorView({
    parent: area.form,
    state: EditorState.create({
      doc: saved,
      extensions: [
        EditorView.cspNonce.of(document.querySelector('meta[name="csp-nonce"]').content),
        EditorView.contentAttributes.of({ "aria-label": words.label, tabindex: "0" }),
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        drawSelection(),
        history(),
        bracketMatching(),
        closeBrackets(),
        indentOnInput(),
        indentUnit.of("  "),
        highlightSelectionMatches(),
        yaml(),
        syntaxHighlighting(colours),
        lintGutter(),
        ...("completes" in words ? [autocompletion({ override: [completions], activateOnTyping: true })] : []),
        // Tab leaves the editor, as everywhere else on the page.
        keymap.of([{ key: "Mod-s", run: () => (save(), true) }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap]),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    }),
  });
  area.hidden = true;
  area.labels[0].hidden = true;
  check();

  function text() {
    return view.state.doc.toString();
  }

  function changed() {
    const dirty = text() !== saved;
    document.getElementById("save").disabled = !dirty;
    document.getElementById("save-status").textContent = dirty ? words.unsaved : "";
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  }

  // ---- checking

  async function check() {
    const own = ++asked;
    const status = document.getElementById("check-status");
    // First what is wrong, which is quick; then what is in vain.
    for (const findings of [false, true]) {
      const body = text() === saved ? { findings } : { text: text(), findings };
      const answer = await ask("POST", `${path}:check`, body).catch(() => null);
      if (own !== asked) return;
      if (!answer?.ok) {
        if (answer?.status !== 409) status.textContent = words.unchecked;
        return;
      }
      show(answer.body, status);
      if (!answer.body.good) return;
    }
  }

  function show({ remarks, good }, status) {
    const mistakes = remarks.filter((remark) => remark.severity === "error").length;
    status.textContent = good ? words.good : words.errors.replace("{count}", mistakes);
    status.dataset.good = good ? "yes" : "no";
    view.dispatch(setDiagnostics(view.state, remarks.filter((remark) => remark.line).map(diagnostic)));
    document.getElementById("remarks").replaceChildren(...remarks.map(item));
  }

  function diagnostic(remark) {
    const [from, to] = span(remark);
    return { from, to, severity: remark.severity, message: `${remark.problem}\n${remark.fix}` };
  }

  // From where a remark points to the end of that word.
  function span(remark) {
    const line = view.state.doc.line(Math.min(remark.line, view.state.doc.lines));
    const from = Math.min(line.from + Math.max(0, remark.column - 1), line.to);
    const rest = line.text.slice(from - line.from);
    const word = /^(\.?[\w-]+|"[^"]*"|'[^']*'|\S+)/.exec(rest)?.[0] || rest;
    return [from, Math.min(line.to, from + Math.max(1, word.length))];
  }

  function item(remark) {
    const entry = document.createElement("li");
    entry.className = remark.severity;
    const kind = remark.severity === "error" ? words.error : words.warning;
    const where = remark.line ? words.line.replace("{line}", remark.line) : `${words.elsewhere}: ${remark.file}`;
    const what = `${kind} · ${where} · ${remark.path}`;
    entry.append(remark.line ? jump(remark, what) : paragraph(what), paragraph(remark.problem), paragraph(remark.fix, "soft"));
    return entry;
  }

  function jump(remark, what) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = what;
    button.addEventListener("click", () => go(span(remark)));
    return button;
  }

  function go([from, to]) {
    view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    view.focus();
  }

  // ---- completing

  async function completions(context) {
    const line = view.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    if (!context.explicit && !/[\w.[{"'/:,-] ?$/.test(before)) return null;
    const body = { line: line.number, column: before.length + 1 };
    if (text() !== saved) body.text = text();
    const answer = await ask("POST", `${path}:complete`, body).catch(() => null);
    if (!answer?.ok || !answer.body.items.length || context.aborted) return null;
    const options = answer.body.items.map((each) => ({ label: each.label, apply: each.insert || each.label, detail: each.detail, type: KINDS[each.kind] }));
    return { from: line.from + answer.body.column - 1, options, validFor: /^[\w-]*$/ };
  }

  // ---- saving

  async function save(over = version) {
    const sent = text();
    const answer = await ask("PUT", path, { text: sent }, { "if-match": `"${over}"` }).catch(() => null);
    if (answer?.ok) {
      took(sent, answer.body.etag.replaceAll('"', ""));
      document.getElementById("save-status").textContent = words.saved;
      say(words.saved, "done");
    } else if (answer?.status === 412) {
      conflict(answer);
    } else if (answer) {
      say(answer.body.detail, "error");
    } else {
      say(document.getElementById("messages").dataset.unreachable, "error");
    }
  }

  function conflict(answer) {
    const dialog = document.getElementById("changed");
    document.getElementById("changed-by").textContent = answer.body.detail;
    document.getElementById("changed-lines").textContent = answer.body.difference.join("\n");
    document.getElementById("take-theirs").onclick = () => location.reload();
    document.getElementById("keep-mine").onclick = () => {
      dialog.close();
      save(answer.etag);
    };
    saved = null; // so that the text goes along with every question
    dialog.showModal();
  }

  function took(now, number) {
    saved = now;
    version = number;
    for (const input of document.querySelectorAll('input[name="version"]')) input.value = number;
    changed();
  }

  document.getElementById("save").addEventListener("click", () => save());
  addEventListener("beforeunload", (event) => text() !== saved && event.preventDefault());
  document.addEventListener("submit", (event) => {
    if (event.target.id === "text-form") area.value = text();
  });

  // ---- forms

  // What is typed but not saved goes along, so that forms show it and change it.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.closest(".forms")) return;
    const { parameters, verb } = event.detail;
    if (verb === "post" && text() !== saved) parameters.text = text();
    if (parameters.version) parameters.version = version;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "parts") return;
    const written = document.getElementById("written");
    if (written) {
      replace(written.value);
      took(text(), written.dataset.version);
      written.remove();
      say(words.saved, "done");
    }
    for (const link of document.querySelectorAll("#parts [data-line]")) {
      link.addEventListener("click", () => follow(Number(link.dataset.line)));
    }
    document.querySelector("#part-form .error, .part-head h2")?.scrollIntoView({ block: "nearest" });
  });
  for (const link of document.querySelectorAll("#parts [data-line]")) {
    link.addEventListener("click", () => follow(Number(link.dataset.line)));
  }

  function follow(number) {
    if (number > view.state.doc.lines) return;
    const at = view.state.doc.line(number).from;
    view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "start", yMargin: 40 }) });
  }

  // Only what differs, so that the place and what can be undone stay.
  function replace(now) {
    const old = text();
    if (old === now) return;
    let from = 0;
    while (from < old.length && from < now.length && old[from] === now[from]) from++;
    let end = 0;
    while (end < old.length - from && end < now.length - from && old.at(-1 - end) === now.at(-1 - end)) end++;
    view.dispatch({
      changes: { from, to: old.length - end, insert: now.slice(from, now.length - end) },
      effects: EditorView.scrollIntoView(from, { y: "center" }),
    });
  }

  async function ask(method, target, body, more = {}) {
    const headers = { "content-type": "application/json", "x-csrf-token": words.csrf, "accept-language": document.documentElement.lang, ...more };
    const response = await fetch(target, { method, headers, body: JSON.stringify(body) });
    const etag = (response.headers.get("etag") || "").replaceAll('"', "");
    return { ok: response.ok, status: response.status, etag, body: await response.json() };
  }
}

function paragraph(text, kind = "") {
  const p = document.createElement("p");
  p.className = kind;
  p.textContent = text;
  return p;
}
