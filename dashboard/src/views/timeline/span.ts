/** The part of time that is shown, and how it is moved and zoomed. */

export interface Span {
  from: number;
  until: number;
}

const SHORTEST = 30_000;
const LONGEST = 31 * 86_400_000;

/** The span of *length* that ends a little after *now*, so that "now" is seen coming. */
export function follow(now: number, length: number): Span {
  const until = now + length * 0.08;
  return { from: until - length, until };
}

/** Move by a part of its length. */
export function moved(span: Span, part: number): Span {
  const by = (span.until - span.from) * part;
  return { from: span.from + by, until: span.until + by };
}

/** *factor* times *length*, as far as can be shown. */
export function resized(length: number, factor: number): number {
  return Math.min(LONGEST, Math.max(SHORTEST, length * factor));
}

/** Make it *factor* times as long, with what is at *pivot* (0 to 1) kept in place. */
export function zoomed(span: Span, factor: number, pivot: number): Span {
  const length = span.until - span.from;
  const next = resized(length, factor);
  const at = span.from + length * pivot;
  return { from: at - next * pivot, until: at + next * (1 - pivot) };
}

const STEPS = [
  1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000,
  21_600_000, 43_200_000, 86_400_000, 604_800_000,
];

/** Round instants to mark on an axis of *width* pixels. */
export function marks(span: Span, width: number): number[] {
  const most = Math.max(2, Math.floor(width / 90));
  const step = STEPS.find((one) => (span.until - span.from) / one <= most) ?? 604_800_000;
  const found: number[] = [];
  for (let at = Math.ceil(span.from / step) * step; at <= span.until; at += step) found.push(at);
  return found;
}
