/** The plan as JSON: highlighted, folded, and underlined at the place of each problem. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching,
  foldGutter,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
  syntaxTree,
} from "@codemirror/language";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { PlanFault } from "../../api/types";
import { type Step, steps } from "./paths";

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--sky-text)" },
  { tag: tags.string, color: "var(--green-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--orange-text)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--sunken)", color: "var(--text)" },
  ".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--text-faint)", border: "none" },
  ".cm-activeLine": { backgroundColor: "var(--hatch)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selected) !important",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
  },
  ".cm-scroller": { overflow: "auto" },
  // Its own marks are pictures in the style, which the security policy does not allow.
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--vermillion)",
    backgroundColor: "var(--vermillion-wash)",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--orange)",
  },
});

interface Node {
  name: string;
  from: number;
  to: number;
  firstChild: Node | null;
  nextSibling: Node | null;
}

/** Where *path* stands in the text: at its value, or at the nearest place above it that is there. */
function placeOf(state: EditorState, path: readonly Step[]): { from: number; to: number } {
  let here = (syntaxTree(state).topNode as unknown as Node).firstChild;
  for (const step of path) {
    const next = here && child(state, here, step);
    if (!next) break;
    here = next;
  }
  if (!here) return { from: 0, to: 0 };
  const isLong = here.name === "Object" || here.name === "Array";
  return { from: here.from, to: isLong ? here.from + 1 : here.to };
}

function child(state: EditorState, node: Node, step: Step): Node | null {
  let index = 0;
  for (let one = node.firstChild; one; one = one.nextSibling) {
    if (node.name === "Object" && one.name === "Property") {
      const name = one.firstChild;
      const text = name ? state.sliceDoc(name.from + 1, name.to - 1) : "";
      if (text === String(step)) {
        let value = name?.nextSibling ?? null;
        while (value && (value.name === ":" || value.name === "⚠")) value = value.nextSibling;
        return value ?? name ?? null;
      }
    } else if (node.name === "Array" && !/[[\],]/.test(one.name)) {
      if (index === step) return one;
      index += 1;
    }
  }
  return null;
}

export function JsonEditor({
  text,
  onChange,
  problems,
  readOnly,
}: {
  text: string;
  onChange: (text: string) => void;
  problems: readonly PlanFault[];
  readOnly: boolean;
}) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(onChange);
  latest.current = onChange;
  const first = useRef(text);
  useEffect(() => {
    if (place.current === null) return;
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          json(),
          syntaxHighlighting(colours),
          look,
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ "aria-label": "The plan as JSON" }),
          // Tab leaves the editor after Escape, as CodeMirror documents it.
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((one) => one.isUserEvent("set"))) {
              latest.current(update.state.doc.toString());
            }
          }),
        ],
      }),
    });
    editor.scrollDOM.tabIndex = 0; // what scrolls can be reached by keyboard
    view.current = editor;
    return () => editor.destroy();
  }, [readOnly]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== text) {
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: text },
        userEvent: "set",
      });
    }
  }, [text]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const found: Diagnostic[] = problems.map((problem) => ({
      ...placeOf(editor.state, steps(problem.path)),
      severity: problem.severity === "error" ? "error" : "warning",
      message: `${problem.message}${problem.suggestion ? ` (${problem.suggestion})` : ""}`,
    }));
    editor.dispatch(setDiagnostics(editor.state, found));
  }, [problems]);
  return <div className="json-editor" ref={place} />;
}
