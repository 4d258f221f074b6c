/** Numbers as people read them. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** `12,408`. */
export function count(value: number): string {
  return grouped.format(value);
}

/** `45.2`, `1,200`: at most one decimal, and none where it would be noise. */
export function figure(value: number): string {
  return Math.abs(value) >= 100 ? grouped.format(value) : decimal.format(value);
}

/** `1 task`, `3 tasks`. */
export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** `62 %`; a part of nothing is nothing. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.round((100 * part) / whole)} %`;
}

/** The fixed unit of a metric whose name tells it. */
export function unitOf(metric: string): string {
  if (/(_usage|_pct|_percent)$/.test(metric)) return "%";
  if (/(response_time|latency)/.test(metric) || /_ms$/.test(metric)) return "ms";
  if (/_(s|seconds)$/.test(metric)) return "s";
  return "";
}
