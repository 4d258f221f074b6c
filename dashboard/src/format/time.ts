/** Instants and durations as people read them; the zone is always the caller's, never implied. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    formats.set(key, made);
  }
  return made;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const SHORT_CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
const DAY: Intl.DateTimeFormatOptions = { weekday: "short", day: "2-digit", month: "short" };

/** `14:02:11`, or `Tue 24 Nov 14:02` when that is another day of the zone than now. */
export function instant(at: number, zone: string, now: number): string {
  const day = format(zone, DAY);
  if (day.format(at) === day.format(now)) return format(zone, CLOCK).format(at);
  return `${day.format(at).replace(",", "")} ${format(zone, SHORT_CLOCK).format(at)}`;
}

/** `14:02`. */
export function clock(at: number, zone: string): string {
  return format(zone, SHORT_CLOCK).format(at);
}

/** `14:02:09`. */
export function exactClock(at: number, zone: string): string {
  return format(zone, CLOCK).format(at);
}

/** `Tue 24 Nov`. */
export function day(at: number, zone: string): string {
  return format(zone, DAY).format(at).replace(",", "");
}

/** Everything there is to say about an instant: in the plan's zone, here, and in UTC. */
export function fully(at: number, zone: string): string {
  const whole: Intl.DateTimeFormatOptions = { ...DAY, year: "numeric", ...CLOCK };
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const lines = [`${format(zone, whole).format(at)} in ${zone}`];
  if (here !== zone) lines.push(`${format(here, whole).format(at)} in ${here} (here)`);
  if (zone !== "UTC") lines.push(new Date(at).toISOString());
  return lines.join("\n");
}

const STEPS: ReadonlyArray<readonly [number, string]> = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
  [1, "s"],
];

/** `2h 05m`, `48s`, `3d 4h`: at most two units; under ten seconds with a decimal. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? "−" : "";
  const left = Math.abs(seconds);
  if (left < 10) return `${sign}${Math.round(left * 10) / 10}s`;
  const whole = Math.round(left);
  const first = STEPS.findIndex(([size]) => whole >= size);
  const [size, unit] = STEPS[first] ?? [1, "s"];
  const count = Math.floor(whole / size);
  const next = STEPS[first + 1];
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[0]);
  const tail = next !== undefined && rest > 0 ? ` ${String(rest).padStart(2, "0")}${next[1]}` : "";
  return `${sign}${count}${unit}${tail}`;
}

/** `in 12m`, `5s ago`, `now`. */
export function relative(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

/** The milliseconds of an ISO instant, or of nothing. */
export function at(iso: string | null | undefined): number | null {
  if (iso === null || iso === undefined) return null;
  const value = Date.parse(iso);
  return Number.isNaN(value) ? null : value;
}
