/** Places of a plan, such as `agents[0].mode`: read, looked up and changed without touching the rest. */
import type { Json } from "../../api/types";

export type Step = string | number;

/** `agents[0].schedule_preferences.preferred_hours[2]` → its steps. */
export function steps(path: string): Step[] {
  const found: Step[] = [];
  for (const match of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (match[1] !== undefined) found.push(match[1]);
    else if (match[2] !== undefined)
      found.push(/^\d+$/.test(match[2]) ? Number(match[2]) : match[2]);
  }
  return found;
}

export function lookUp(document: unknown, path: readonly Step[]): unknown {
  let here: unknown = document;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<Step, unknown>)[step];
  }
  return here;
}

/** Return *document* with *value* at *path*; undefined takes the place away. */
export function changed(document: unknown, path: readonly Step[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(document)) {
    const after = [...document];
    if (rest.length === 0 && value === undefined) after.splice(Number(step), 1);
    else after[Number(step)] = changed(after[Number(step)], rest, value);
    return after;
  }
  const after: Json = { ...((document ?? {}) as Json) };
  if (rest.length === 0 && value === undefined) delete after[String(step)];
  else after[String(step)] = changed(after[String(step)], rest, value);
  return after;
}

const LINE = 88;

/** Write a plan as a person would: lists of plain values on one line where they fit. */
export function write(document: unknown): string {
  return `${written(document, "")}\n`;
}

function written(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const isPlain = value.every((one) => typeof one !== "object" || one === null);
    const line = `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
    if (isPlain && indent.length + line.length <= LINE) return line;
    return `[\n${value.map((one) => inner + written(one, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  if (entries.length === 0) return "{}";
  const lines = entries.map(
    ([key, one]) => `${inner}${JSON.stringify(key)}: ${written(one, inner)}`,
  );
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
