/** Paints one cell of the heatmap: the ground is its health, the sign on it is its state. */
import type { Agent } from "../../api/types";
import { fillOf, HEALTH, type Hue } from "../../ui/looks";

export interface Paint {
  fills: Readonly<Record<Hue, string>>;
  surface: string;
  soft: string;
  mark: string;
  chosen: string;
  font: string;
}

const HUES: readonly Hue[] = [
  "green",
  "orange",
  "vermillion",
  "sky",
  "blue",
  "purple",
  "yellow",
  "grey",
];

/** Read the colours of the theme once per painting, not once per cell. */
export function paintOf(_scale: number): Paint {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    fills: Object.fromEntries(HUES.map((hue) => [hue, fillOf(hue)])) as Record<Hue, string>,
    surface: token("--surface"),
    soft: token("--text-soft"),
    mark: "#04141f",
    chosen: token("--text"),
    font: `12px ${token("--font")}`,
  };
}

/** What a cell shows, as a word: when it is the same, nothing is painted. */
export function signOf(agent: Agent, chosen: boolean): string {
  return `${agent.health}${agent.status}${agent.suspect}${chosen}`;
}

export function paintCell(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  agent: Agent,
  chosen: boolean,
  paint: Paint,
): void {
  context.fillStyle = paint.surface;
  context.fillRect(x - 1, y - 1, size + 2, size + 2);
  const isAway = agent.status === "offline";
  context.fillStyle = paint.fills[isAway ? "grey" : HEALTH[agent.health].hue];
  if (isAway) {
    // Only an outline: nobody is there.
    context.globalAlpha = 0.35;
    context.fillRect(x, y, size, size);
    context.globalAlpha = 1;
  } else context.fillRect(x, y, size, size);
  sign(context, x + size / 2, y + size / 2, size, agent, isAway ? paint.soft : paint.mark);
  if (chosen) {
    context.strokeStyle = paint.chosen;
    context.lineWidth = 2;
    context.strokeRect(x, y, size, size);
  }
}

function sign(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  agent: Agent,
  colour: string,
): void {
  const r = Math.max(2, size * 0.24);
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1.4, size / 12);
  context.beginPath();
  if (agent.suspect) {
    context.font = `bold ${Math.round(size * 0.8)}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("?", x, y + 1);
    context.textAlign = "start";
    return;
  }
  switch (agent.status) {
    case "busy":
      context.moveTo(x - r * 0.8, y - r);
      context.lineTo(x + r, y);
      context.lineTo(x - r * 0.8, y + r);
      context.fill();
      return;
    case "offline":
      context.moveTo(x - r, y - r);
      context.lineTo(x + r, y + r);
      context.moveTo(x + r, y - r);
      context.lineTo(x - r, y + r);
      context.stroke();
      return;
    case "maintenance":
      context.moveTo(x, y - r);
      context.lineTo(x + r, y);
      context.lineTo(x, y + r);
      context.lineTo(x - r, y);
      context.fill();
      return;
    case "error":
      context.fillRect(x - 1, y - r, 2, r * 1.2);
      context.fillRect(x - 1, y + r * 0.6, 2, 2);
      return;
    default:
      return; // idle: an empty cell
  }
}
