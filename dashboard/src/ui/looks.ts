/** The one place that says which hue and shape stand for which word. */
import type { AgentHealth, AgentStatus, Priority, TaskStatus } from "../api/types";
import type { Shape } from "./glyph";

export type Hue = "green" | "orange" | "vermillion" | "sky" | "blue" | "purple" | "yellow" | "grey";

export interface Look {
  hue: Hue;
  shape: Shape;
}

export const HEALTH: Readonly<Record<AgentHealth, Look>> = {
  healthy: { hue: "green", shape: "disc" },
  warning: { hue: "orange", shape: "triangle" },
  critical: { hue: "vermillion", shape: "square" },
  unknown: { hue: "grey", shape: "question" },
};

export const AGENT: Readonly<Record<AgentStatus, Look>> = {
  online: { hue: "green", shape: "disc" },
  idle: { hue: "sky", shape: "ring" },
  busy: { hue: "blue", shape: "play" },
  offline: { hue: "grey", shape: "cross" },
  error: { hue: "vermillion", shape: "triangle" },
  maintenance: { hue: "purple", shape: "diamond" },
};

export const TASK: Readonly<Record<TaskStatus, Look>> = {
  pending: { hue: "yellow", shape: "clock" },
  running: { hue: "blue", shape: "play" },
  completed: { hue: "green", shape: "check" },
  failed: { hue: "vermillion", shape: "cross" },
  cancelled: { hue: "grey", shape: "slash" },
  paused: { hue: "purple", shape: "pause" },
};

export const PRIORITY: Readonly<Record<Priority, Look>> = {
  critical: { hue: "vermillion", shape: "triangle" },
  high: { hue: "orange", shape: "triangle" },
  normal: { hue: "grey", shape: "dash" },
  low: { hue: "grey", shape: "ring" },
  maintenance: { hue: "purple", shape: "diamond" },
};

export const SUSPECT: Look = { hue: "orange", shape: "question" };

const MODE_HUES: readonly Hue[] = [
  "sky",
  "orange",
  "green",
  "purple",
  "blue",
  "yellow",
  "vermillion",
];

/** A hue for a word: always the same one for the same word. */
export function modeHue(mode: string): Hue {
  let sum = 0;
  for (const letter of mode) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return MODE_HUES[sum % MODE_HUES.length] ?? "grey";
}

/** Hues for all of *modes*: each keeps its own where it can, and no two share one while there are enough. */
export function modeHues(modes: readonly string[]): ReadonlyMap<string, Hue> {
  const found = new Map<string, Hue>();
  const taken = new Set<Hue>();
  for (const mode of [...new Set(modes)].sort()) {
    const first = MODE_HUES.indexOf(modeHue(mode));
    const order = [...MODE_HUES.slice(first), ...MODE_HUES.slice(0, first)];
    const hue = order.find((one) => !taken.has(one)) ?? modeHue(mode);
    taken.add(hue);
    found.set(mode, hue);
  }
  return found;
}

/** What a hue is in the theme of now, for a canvas. */
export function fillOf(hue: Hue): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${hue}`).trim();
}
