/**
 * The fleet as the stream has told it: a value, and pure functions that apply a frame to it.
 *
 * A frame that does not follow the last one is a gap, and a gap is answered with a new snapshot:
 * nothing here guesses. Records that did not change keep their identity, so a view that selects
 * one is not drawn anew.
 */
import type { Agent, Alert, FleetEvent, HeatRow, Summary, Task } from "../api/types";
import type { Beat, Delta, Snapshot } from "./frames";

export const EVENTS_KEPT = 500;

export interface Fleet {
  /** -1 before the first snapshot. */
  seq: number;
  /** The server's clock at the last frame, in milliseconds. */
  at: number | null;
  beat: Beat | null;
  summary: Summary | null;
  agents: ReadonlyMap<string, Agent>;
  heat: ReadonlyMap<string, HeatRow> | null;
  tasks: ReadonlyMap<string, Task>;
  /** Newest first. */
  events: readonly FleetEvent[];
  alerts: readonly Alert[];
}

export const UNKNOWN: Fleet = {
  seq: -1,
  at: null,
  beat: null,
  summary: null,
  agents: new Map(),
  heat: null,
  tasks: new Map(),
  events: [],
  alerts: [],
};

export type Applied = { fleet: Fleet; gap: false } | { fleet: Fleet; gap: true };

/** Begin anew from *snapshot*; views that it leaves out keep what they had. */
export function fromSnapshot(before: Fleet, snapshot: Snapshot): Fleet {
  const { views } = snapshot;
  return {
    seq: snapshot.seq,
    at: Date.parse(snapshot.at),
    beat: before.beat,
    summary: views.summary ?? before.summary,
    agents: views.agents ? byKey(views.agents, (agent) => agent.name) : before.agents,
    heat: views.heat ? byKey(views.heat, (row) => row[0]) : views.agents ? null : before.heat,
    tasks: views.tasks ? byKey(views.tasks, (task) => task.id) : before.tasks,
    events: views.events ? newestFirst(views.events) : before.events,
    alerts: views.alerts ?? before.alerts,
  };
}

/** Apply *delta*; a repeated one changes nothing, one that skips something is a gap. */
export function withDelta(before: Fleet, delta: Delta): Applied {
  if (before.seq < 0) return { fleet: before, gap: true };
  if (delta.seq <= before.seq) return { fleet: before, gap: false };
  if (delta.after !== undefined && delta.after !== before.seq) return { fleet: before, gap: true };
  const fleet: Fleet = {
    ...before,
    seq: delta.seq,
    at: Date.parse(delta.at),
    summary: delta.summary ? ({ ...before.summary, ...delta.summary } as Summary) : before.summary,
    agents: merged(before.agents, delta.agents?.upsert, delta.agents?.remove, (one) => one.name),
    heat: before.heat && replaced(before.heat, delta.heat?.upsert, delta.heat?.remove),
    tasks: merged(before.tasks, delta.tasks?.upsert, delta.tasks?.remove, (one) => one.id),
    events: delta.events?.length
      ? newestFirst([...delta.events, ...before.events]).slice(0, EVENTS_KEPT)
      : before.events,
    alerts: delta.alerts ?? before.alerts,
  };
  return { fleet, gap: false };
}

/** Note the server's sign of life. */
export function withBeat(before: Fleet, beat: Beat): Fleet {
  return { ...before, beat, at: Date.parse(beat.at) };
}

function byKey<T>(records: readonly T[], key: (record: T) => string): ReadonlyMap<string, T> {
  return new Map(records.map((record) => [key(record), record]));
}

function merged<T extends object>(
  before: ReadonlyMap<string, T>,
  upsert: readonly Partial<T>[] | undefined,
  remove: readonly string[] | undefined,
  key: (record: T) => string,
): ReadonlyMap<string, T> {
  if (!upsert?.length && !remove?.length) return before;
  const after = new Map(before);
  for (const change of upsert ?? []) {
    const name = key(change as T);
    after.set(name, { ...after.get(name), ...change } as T);
  }
  for (const name of remove ?? []) after.delete(name);
  return after;
}

function replaced(
  before: ReadonlyMap<string, HeatRow>,
  upsert: readonly HeatRow[] | undefined,
  remove: readonly string[] | undefined,
): ReadonlyMap<string, HeatRow> {
  if (!upsert?.length && !remove?.length) return before;
  const after = new Map(before);
  for (const row of upsert ?? []) after.set(row[0], row);
  for (const name of remove ?? []) after.delete(name);
  return after;
}

function newestFirst(events: readonly FleetEvent[]): readonly FleetEvent[] {
  const once = new Map(events.map((event) => [event.number, event]));
  return [...once.values()].sort((left, right) => right.number - left.number);
}
