/** Paints the timeline: axis, shades, bars with their names, and the line of now; only the rows in sight. */
import { clock, day, exactClock } from "../../format/time";
import { fillOf, type Hue } from "../../ui/looks";
import type { Drawn } from "./chart";
import { FORECAST } from "./ghosts";
import { marks, type Span } from "./span";

const MINUTE = 60_000;

export const ROW = 28;
export const HEAD = 30;
export const SIDE = 130;

interface Scene {
  rows: readonly string[];
  bars: ReadonlyMap<string, readonly Drawn[]>;
  hues: ReadonlyMap<string, Hue>;
  shades: readonly { kind: string; agent: string | null; start: number; end: number }[];
  span: Span;
  now: number;
  zone: string;
  top: number;
  width: number;
  height: number;
  brush: { from: number; to: number } | null;
}

export function paint(canvas: HTMLCanvasElement, scene: Scene): void {
  const { rows, span, width, height, top } = scene;
  const scale = Math.min(2, window.devicePixelRatio || 1);
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale;
    canvas.height = height * scale;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const fills = new Map<Hue, string>();
  const fill = (hue: Hue) => {
    let found = fills.get(hue);
    if (found === undefined) {
      found = fillOf(hue);
      fills.set(hue, found);
    }
    return found;
  };
  const x = (at: number) => SIDE + ((at - span.from) / (span.until - span.from)) * (width - SIDE);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = token("--surface");
  context.fillRect(0, 0, width, height);
  context.font = `12px ${token("--font")}`;
  context.textBaseline = "middle";

  const first = Math.max(0, Math.floor(top / ROW));
  const last = Math.min(rows.length, first + Math.ceil(height / ROW) + 1);
  const ticks = marks(span, width - SIDE);
  context.save();
  context.beginPath();
  context.rect(SIDE, HEAD, width - SIDE, height - HEAD);
  context.clip();
  for (let index = first; index < last; index += 1) {
    const name = rows[index] ?? "";
    const y = HEAD + index * ROW - top;
    for (const shade of scene.shades) {
      if (shade.agent !== null && shade.agent !== name) continue;
      if (shade.end < span.from || shade.start > span.until) continue;
      if (shade.kind === "window" || shade.kind === "preferred_hours") {
        context.fillStyle = token("--green-wash");
        context.fillRect(x(shade.start), y + ROW - 3, x(shade.end) - x(shade.start), 2);
      } else
        hatch(
          context,
          x(shade.start),
          y,
          x(shade.end) - x(shade.start),
          ROW - 1,
          token("--line-strong"),
        );
    }
    for (const bar of scene.bars.get(name) ?? []) {
      const end = bar.until ?? scene.now;
      if (end < span.from || bar.from > span.until) continue;
      paintBar(
        context,
        bar,
        Math.max(SIDE - 4, x(bar.from)),
        Math.min(width + 4, x(end)),
        y,
        fill(scene.hues.get(bar.mode) ?? "grey"),
        token("--vermillion-text"),
      );
    }
    context.fillStyle = token("--line");
    context.fillRect(SIDE, y + ROW - 1, width - SIDE, 1);
  }
  context.fillStyle = token("--line");
  for (const at of ticks) context.fillRect(x(at), HEAD, 1, height);
  if (scene.now >= span.from && scene.now <= span.until) {
    context.fillStyle = token("--text");
    context.fillRect(x(scene.now), HEAD, 1.5, height);
  }
  if (scene.brush) {
    context.fillStyle = token("--sky-wash");
    context.fillRect(
      x(Math.min(scene.brush.from, scene.brush.to)),
      HEAD,
      Math.abs(x(scene.brush.to) - x(scene.brush.from)),
      height,
    );
  }
  context.restore();

  context.fillStyle = token("--text");
  for (let index = first; index < last; index += 1) {
    context.fillText(rows[index] ?? "", 14, HEAD + index * ROW - top + ROW / 2, SIDE - 22);
  }
  context.fillStyle = token("--surface");
  context.fillRect(0, 0, width, HEAD - 1);
  context.fillStyle = token("--text-soft");
  const [one = 0, two = MINUTE] = ticks;
  const isLong = span.until - span.from > 2 * 86_400_000;
  const say = isLong ? day : two - one < MINUTE ? exactClock : clock;
  for (const at of ticks) context.fillText(say(at, scene.zone), x(at) + 4, HEAD / 2);
  context.fillStyle = token("--line");
  context.fillRect(0, HEAD - 1, width, 1);
}

function paintBar(
  context: CanvasRenderingContext2D,
  bar: Drawn,
  from: number,
  to: number,
  y: number,
  colour: string,
  failed: string,
): void {
  const width = Math.max(2, to - from);
  context.fillStyle = colour;
  if (bar.outcome === FORECAST) {
    context.globalAlpha = 0.22;
    context.fillRect(from, y + 4, width, ROW - 10);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.setLineDash([4, 3]);
    context.strokeRect(from + 0.5, y + 4.5, width - 1, ROW - 11);
    context.setLineDash([]);
    return;
  }
  context.globalAlpha = bar.until === null ? 1 : 0.82;
  context.fillRect(from, y + 4, width, ROW - 10);
  context.globalAlpha = 1;
  if (["failed", "lost", "abandoned", "rejected"].includes(bar.outcome)) {
    // A failed one has a thick foot and a cross, so that its colour need not say it.
    context.fillStyle = failed;
    context.fillRect(from, y + ROW - 8, width, 3);
    context.fillRect(from, y + 4, Math.min(3, width), ROW - 10);
  }
  if (width > 60) {
    context.fillStyle = "#04141f";
    context.save();
    context.beginPath();
    context.rect(from, y, width - 4, ROW);
    context.clip();
    context.fillText(bar.name, from + 6, y + ROW / 2 - 1);
    context.restore();
  }
}

function hatch(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.globalAlpha = 0.5;
  context.lineWidth = 1;
  context.beginPath();
  const left = Math.max(SIDE - height, x - height);
  const right = Math.min(x + width, 8_000);
  for (let at = left - (left % 8); at < right; at += 8) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}
