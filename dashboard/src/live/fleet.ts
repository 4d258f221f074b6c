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
  /** The columns of rows where the fleet is so large that agents are told in short; else null. */
  columns: readonly string[] | null;
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
  columns: null,
  tasks: new Map(),
  events: [],
  alerts: [],
};

export type Applied = { fleet: Fleet; gap: false } | { fleet: Fleet; gap: true };

/** Begin anew from *snapshot*; views that it leaves out keep what they had. */
export function fromSnapshot(before: Fleet, snapshot: Snapshot): Fleet {
  const { views } = snapshot;
  let { agents, columns } = before;
  if (views.agents) {
    agents = byKey(views.agents, (agent) => agent.name);
    columns = null;
  } else if (views.heat) {
    const heat = views.heat;
    agents = byKey(
      heat.rows.map((row) => inShort(heat.columns, row)),
      (agent) => agent.name,
    );
    columns = heat.columns;
  }
  const single = ones(views as Record<string, unknown>);
  return {
    seq: snapshot.seq,
    at: Date.parse(snapshot.at),
    beat: before.beat,
    summary: views.summary ?? before.summary,
    agents: merged(agents, single.agents, undefined, (one) => one.name),
    columns,
    tasks: merged(
      views.tasks ? byKey(views.tasks, (task) => task.id) : before.tasks,
      single.tasks,
      undefined,
      (one) => one.id,
    ),
    events: views.events ? newestFirst(views.events) : before.events,
    alerts: views.alerts ?? before.alerts,
  };
}

/** The changes of single agents and tasks, which stand under names of their own. */
function ones(said: Record<string, unknown>): { agents: Partial<Agent>[]; tasks: Partial<Task>[] } {
  const found: { agents: Partial<Agent>[]; tasks: Partial<Task>[] } = { agents: [], tasks: [] };
  for (const [key, value] of Object.entries(said)) {
    if (value === null) continue;
    if (key.startsWith("agent:")) found.agents.push(value as Partial<Agent>);
    if (key.startsWith("task:")) found.tasks.push(value as Partial<Task>);
  }
  return found;
}

const NOTHING_TOLD = {
  window_id: null,
  reasons: [],
  capabilities: [],
  holds: [],
  last_heartbeat: null,
  uptime_s: null,
  performance_metrics: {},
  error_count: 0,
  last_error: null,
  registration_time: null,
  config_path: null,
  session_data: {},
  labels: {},
  epoch: 0,
  client: null,
  operator: null,
} satisfies Partial<Agent>;

/** Make a record of a row; what a row does not tell is as if there were nothing. */
function inShort(columns: readonly string[], row: HeatRow): Agent {
  const told = Object.fromEntries(columns.map((column, index) => [column, row[index]]));
  return { ...NOTHING_TOLD, ...told } as unknown as Agent;
}

/** Apply *delta*; a repeated one changes nothing, one that skips something is a gap. */
export function withDelta(before: Fleet, delta: Delta): Applied {
  if (before.seq < 0) return { fleet: before, gap: true };
  if (delta.seq <= before.seq) return { fleet: before, gap: false };
  if (delta.after !== undefined && delta.after !== before.seq) return { fleet: before, gap: true };
  // The fleet has become so large, or so small, that it is told in the other way from now on.
  if (before.columns === null ? delta.heat !== undefined : delta.agents !== undefined) {
    return { fleet: before, gap: true };
  }
  const single = ones(delta as unknown as Record<string, unknown>);
  const columns = before.columns;
  const rows =
    columns === null
      ? []
      : (delta.heat?.upsert ?? []).map((row) =>
          Object.fromEntries(columns.map((column, index) => [column, row[index]])),
        );
  const fleet: Fleet = {
    ...before,
    seq: delta.seq,
    at: Date.parse(delta.at),
    summary: delta.summary ? ({ ...before.summary, ...delta.summary } as Summary) : before.summary,
    agents: merged(
      before.agents,
      [...rows, ...(delta.agents?.upsert ?? []), ...single.agents],
      [...(delta.heat?.remove ?? []), ...(delta.agents?.remove ?? [])],
      (one) => one.name,
    ),
    tasks: merged(
      before.tasks,
      [...(delta.tasks?.upsert ?? []), ...single.tasks],
      delta.tasks?.remove,
      (one) => one.id,
    ),
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
  upsert: readonly object[] | undefined,
  remove: readonly string[] | undefined,
  key: (record: T) => string,
): ReadonlyMap<string, T> {
  if (!upsert?.length && !remove?.length) return before;
  const after = new Map(before);
  for (const change of upsert ?? []) {
    const name = key(change as T);
    const known = after.get(name);
    // A change of what nobody introduced is a change of something that is told in short, if at all.
    if (known === undefined && !("status" in change)) continue;
    after.set(name, { ...known, ...change } as T);
  }
  for (const name of remove ?? []) after.delete(name);
  return after;
}

function newestFirst(events: readonly FleetEvent[]): readonly FleetEvent[] {
  const once = new Map(events.map((event) => [event.number, event]));
  return [...once.values()].sort((left, right) => right.number - left.number);
}
