// A text editor (CodeMirror) in the place of a <textarea>, which keeps the text for forms, and is what there is without
// scripts. Tab moves on, as everywhere on a page; indenting is Ctrl-] and Ctrl-[.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { FRENCH } from "./editor-french.js";

const LANGUAGES = { yaml: () => [yaml()], plain: () => [] };

// options:
//   language   "yaml" or "plain"
//   check      async (text, signal) => [{line, column, endLine?, endColumn?, problem, fix?, severity?}], lines and
//              columns from 1; called when nothing was typed for a while, with a signal of the next call
//   complete   a CompletionSource of CodeMirror
//   readOnly   whether it can only be looked at
// Returns {view, text(), replace(text), goTo(line, column), show(mistakes)}.
export function editing(textarea, { language = "yaml", check, complete, readOnly = false } = {}) {
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      EditorView.cspNonce.of(document.querySelector("meta[name=csp-nonce]").content),
      EditorState.phrases.of(document.documentElement.lang === "fr" ? FRENCH : {}),
      EditorState.readOnly.of(readOnly),
      EditorView.contentAttributes.of(named(textarea)),
      LOOK,
      syntaxHighlighting(COLOURS),
      LANGUAGES[language](),
      lineNumbers(),
      foldGutter(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      complete ? autocompletion({ override: [complete] }) : [],
      lintGutter(),
      check ? checking(check) : [],
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        textarea.value = view.state.doc.toString();
        textarea.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
  textarea.hidden = true;
  textarea.after(view.dom);
  return {
    view,
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    goTo: (line, column = 1) => {
      const at = position(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    show: (mistakes) => view.dispatch(setDiagnostics(view.state, mistakes.map((each) => diagnostic(view.state.doc, each)))),
  };
}

function checking(check) {
  let last = null;
  return linter(
    async (view) => {
      last?.abort();
      const mine = (last = new AbortController());
      try {
        const mistakes = await check(view.state.doc.toString(), mine.signal);
        return mistakes.map((each) => diagnostic(view.state.doc, each));
      } catch (error) {
        if (error.name === "AbortError") return [];
        throw error;
      }
    },
    { delay: 400 },
  );
}

function diagnostic(doc, { line, column = 1, endLine, endColumn, problem, fix = "", severity = "error" }) {
  const from = position(doc, line, column);
  const to = endLine ? position(doc, endLine, endColumn || 1) : wordEnd(doc, from);
  return { from, to: Math.max(to, from), severity, message: fix ? `${problem}\n${fix}` : problem };
}

// Where a place is; one that is no more is where it would be.
function position(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(at.from + Math.max(column - 1, 0), at.to);
}

function wordEnd(doc, from) {
  const line = doc.lineAt(from);
  const word = /^[\w.-]+/.exec(line.text.slice(from - line.from));
  return Math.min(from + (word ? word[0].length : 1), line.to);
}

function named(textarea) {
  const label = textarea.labels?.[0];
  const described = textarea.getAttribute("aria-describedby");
  return {
    "aria-label": textarea.getAttribute("aria-label") || label?.textContent.trim() || "",
    ...(described ? { "aria-describedby": described } : {}),
  };
}

const LOOK = EditorView.theme({
  "&": {
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--edge)",
    borderRadius: "var(--radius-small)",
    fontSize: "0.9286rem",
  },
  "&.cm-focused": { outline: "none", boxShadow: "var(--focus)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "8rem", maxHeight: "70vh" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-gutters": { color: "var(--ink-3)", backgroundColor: "var(--surface)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--hover) 70%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-selectionMatch": { backgroundColor: "var(--hold-soft)" },
  ".cm-tooltip, .cm-panels": { color: "var(--ink)", backgroundColor: "var(--surface)", borderColor: "var(--line)" },
  ".cm-tooltip": { border: "1px solid var(--line)", borderRadius: "var(--radius-small)", boxShadow: "var(--shadow-high)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--on-accent)", backgroundColor: "var(--accent)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.5rem 2.5rem 0.5rem 0.625rem", fontFamily: "var(--sans)", fontSize: "var(--small)" },
  ".cm-panel.cm-search label": { fontSize: "inherit", whiteSpace: "nowrap" },
  ".cm-panel.cm-search [name=close]": { color: "var(--ink-2)", fontSize: "1.25rem", inset: "0 0.25rem auto auto" },
  ".cm-textfield": {
    width: "14rem", maxWidth: "100%", minHeight: "1.875rem", fontSize: "inherit", border: "1px solid var(--edge)",
    color: "var(--ink)", backgroundColor: "var(--surface)",
  },
  ".cm-button": {
    minHeight: "1.875rem", color: "var(--ink)", backgroundColor: "var(--surface)", backgroundImage: "none",
    border: "1px solid var(--edge)", borderRadius: "var(--radius-small)", fontSize: "inherit",
  },
  ".cm-button:hover, .cm-button:active": { backgroundColor: "var(--hover)", backgroundImage: "none" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap", fontFamily: "var(--sans)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--deny)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--hold)" },
});
const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--defer)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.labelName, tags.typeName, tags.meta], color: "var(--hold)" },
  { tag: tags.invalid, color: "var(--deny)" },
]);
