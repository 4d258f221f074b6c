/** What the stream of the server says: one snapshot, then numbered changes, and a beat between. */
import type { Agent, Alert, FleetEvent, HeatRow, Summary, Task } from "../api/types";

export interface Beat {
  at: string;
  coordinator: string;
  bus: boolean;
  behind_s: number;
}

/** A record of which only the changed fields are sent, and the key. */
export type Change<T, K extends keyof T> = Partial<T> & Pick<T, K>;

export interface Snapshot {
  seq: number;
  at: string;
  views: {
    summary?: Summary;
    agents?: Agent[];
    /** In place of `agents` in a large fleet. */
    heat?: { columns: string[]; rows: HeatRow[] };
    tasks?: Task[];
    events?: FleetEvent[];
    alerts?: Alert[];
    /** `agent:NAME` and `task:ID`, where the view asked for one. */
    [one: `agent:${string}`]: Agent | null;
    [one: `task:${string}`]: Task | null;
  };
}

export interface Delta {
  seq: number;
  at: string;
  /** The number that the change builds on, where the server says it. */
  after?: number;
  summary?: Partial<Summary>;
  agents?: { upsert?: Change<Agent, "name">[]; remove?: string[] };
  heat?: { upsert?: HeatRow[]; remove?: string[] };
  tasks?: { upsert?: Change<Task, "id">[]; remove?: string[] };
  events?: FleetEvent[];
  alerts?: Alert[];
  [one: `agent:${string}`]: Change<Agent, "name"> | null;
  [one: `task:${string}`]: Change<Task, "id"> | null;
}
