/** Lets the shell hear the whole keyboard, and the list on the screen its own keys. */
import { useEffect, useRef } from "react";
import { type Heard, read } from "./keymap";

type ListKey = Extract<Heard, { kind: "move" | "select" | "open" }>;
type Hearer = (heard: ListKey) => void;

const lists: Hearer[] = [];

/** Hear `j`, `k`, `x` and `o` while the component is there; the last list to come is the one heard. */
export function useListKeys(hear: Hearer): void {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => {
    const mine: Hearer = (heard) => latest.current(heard);
    lists.push(mine);
    return () => {
      lists.splice(lists.indexOf(mine), 1);
    };
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.shadowRoot !== null ||
    target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")
  );
}

/** Hear everything that is no list's. */
export function useKeyboard(hear: (heard: Heard) => void): void {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => {
    let pendingSince: number | null = null;
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.defaultPrevented) return;
      const command = event.ctrlKey || event.metaKey;
      const inDialog = document.querySelector("dialog[open]") !== null;
      const typing = isTyping(event.target) || inDialog;
      const heard = read({ key: event.key, command, typing, atMs: event.timeStamp }, pendingSince);
      pendingSince = heard.kind === "waiting" ? event.timeStamp : null;
      if (heard.kind === "nothing" || heard.kind === "waiting") return;
      event.preventDefault();
      if (heard.kind === "move" || heard.kind === "select" || heard.kind === "open") {
        lists.at(-1)?.(heard);
      } else latest.current(heard);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
