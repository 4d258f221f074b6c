/**
 * The keyboard map: which keys do what, in one table, and a pure reader of key presses.
 *
 * Keys of one letter act only while nothing is typed into; a sequence such as `g a` is forgotten
 * after a moment. Nothing that destroys is on a key.
 */
export interface Press {
  key: string;
  /** Ctrl or Cmd. */
  command: boolean;
  typing: boolean;
  atMs: number;
}

export type Heard =
  | { kind: "go"; key: string }
  | { kind: "search" }
  | { kind: "help" }
  | { kind: "palette" }
  | { kind: "move"; by: 1 | -1 }
  | { kind: "select" }
  | { kind: "open" }
  | { kind: "create" }
  | { kind: "waiting" }
  | { kind: "nothing" };

export const SEQUENCE_MS = 1_200;

/** Read *press*, given when `g` was pressed last; say what it means. */
export function read(press: Press, pendingSince: number | null): Heard {
  if (press.command)
    return press.key.toLowerCase() === "k" ? { kind: "palette" } : { kind: "nothing" };
  if (press.typing) return { kind: "nothing" };
  if (pendingSince !== null && press.atMs - pendingSince < SEQUENCE_MS) {
    return { kind: "go", key: press.key };
  }
  switch (press.key) {
    case "g":
      return { kind: "waiting" };
    case "/":
      return { kind: "search" };
    case "?":
      return { kind: "help" };
    case "j":
      return { kind: "move", by: 1 };
    case "k":
      return { kind: "move", by: -1 };
    case "x":
      return { kind: "select" };
    case "o":
      return { kind: "open" };
    case "c":
      return { kind: "create" };
    default:
      return { kind: "nothing" };
  }
}

export const HELP: ReadonlyArray<readonly [keys: string, what: string]> = [
  ["/", "Search in this view"],
  ["Ctrl K", "Command palette: any view, agent, task or act"],
  ["j  k", "Next and previous row"],
  ["x", "Select the row"],
  ["Enter  o", "Open the row"],
  ["c", "Create a task"],
  ["←  →  +  −", "Move and zoom the timeline"],
  ["Esc", "Close what is open"],
  ["?", "This list"],
];
