/**
 * The records of the API under short names, generated from docs/openapi.json.
 *
 * What the server leaves out is what has a default, so a record that it says is whole: `Required`.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Json = Record<string, unknown>;
export type AgentStatus = Schemas["AgentStatus"];
export type AgentHealth = Schemas["AgentHealth"];
export type Priority = Schemas["Priority"];
export type TaskStatus = Schemas["TaskStatus"];
export type AgentVerb = Schemas["AgentAct"]["verb"];
export type TaskVerb = Schemas["TaskAct"]["verb"];
export type Scope = Schemas["Session"]["scope"];

export type Agent = Required<Schemas["Agent"]>;
export type Task = Required<Schemas["Task"]>;
export type TaskCreation = Pick<Schemas["TaskCreation"], "name" | "mode"> &
  Partial<Schemas["TaskCreation"]>;
export type OperatorHold = Required<Schemas["OperatorHold"]>;
export type Limit = Required<Schemas["Limit"]>;
export type Cap = Required<Schemas["Cap"]>;
export type Limits = Omit<Required<Schemas["Limits"]>, "limits" | "caps"> & {
  limits: Limit[];
  caps: Cap[];
};
export type Summary = Omit<Required<Schemas["Summary"]>, "limits" | "coordinator"> & {
  limits: Limit[];
  coordinator: Required<Schemas["CoordinatorView"]>;
};
export type FleetEvent = Required<Schemas["Event"]>;
export type Session = Required<Schemas["Session"]>;
export type PlanCard = Required<Schemas["PlanCard"]>;
export type StoredPlan = Required<Schemas["StoredPlan"]>;
export type PlanFault = Required<Schemas["PlanFault"]>;
export type PlanCheck = { ok: boolean; version: number; problems: PlanFault[] };
export type PlanDiff = Omit<Required<Schemas["PlanDiff"]>, "changes" | "problems"> & {
  changes: PlanChange[];
  problems: PlanFault[];
};
export type PlanPreview = Required<Schemas["PlanPreview"]>;
export type AttemptRow = Required<Schemas["AttemptRow"]>;
export type ActsAnswer = Required<Schemas["ActsAnswer"]>;
export type Schedule = Required<Schemas["Schedule"]>;

export interface PlanChange {
  path: string;
  before?: unknown;
  after?: unknown;
}
export interface Story {
  task: string;
  attempts: AttemptRow[];
  events: FleetEvent[];
}
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total: number;
  stale: boolean;
}
export interface Why<T> {
  as_of: string | null;
  answer: T;
}
/** One agent among thousands: its fields in the order of the columns that the snapshot names. */
export type HeatRow = readonly unknown[];
export interface Alert {
  id: string;
  rule: string;
  when: string;
  cause: string;
  severity: "info" | "warning" | "critical";
  state: "open" | "acknowledged" | "resolved";
  title: string;
  text: string;
  subjects: string[];
  count: number;
  most: number;
  since: string;
  resolved_at: string | null;
  acknowledged_by: string | null;
  told_at: string | null;
}
export interface Channel {
  name: string;
  enabled: boolean;
  min_severity: string;
  address_from: string;
  waiting: number;
  sent: number;
  failed: number;
  dropped: number;
  last_error: string | null;
}
export interface Alerts extends Page<Alert> {
  open: number;
  channels: Channel[];
}
export interface Figures {
  key: string;
  runs: number;
  succeeded: number;
  failed: number;
  other: number;
  failure_rate: number | null;
  ran_s: number;
  average_running: number;
  utilisation: number | null;
  wait_p50_s: number | null;
  wait_p95_s: number | null;
  run_p50_s: number | null;
  run_p95_s: number | null;
  ran_per_day_s: number[];
}
export interface Analytics {
  from: string;
  until: string;
  days: string[];
  is_cut_off: boolean;
  totals: Omit<Figures, "key" | "ran_per_day_s"> & { agents: number; modes: number };
  agents: Figures[];
  modes: Figures[];
  failures: { agent: string; mode: string; runs: number; failed: number }[];
  lost: { covered_s: number; reasons: { code: string; agent_hours: number }[] };
}
export interface Points {
  name: string;
  at: string[];
  mean: number[];
  low: number[];
  high: number[];
}
export interface SeriesPage {
  subject: string;
  step_s: number;
  series: Points[];
}
export interface Bar {
  task: string;
  name: string;
  mode: string;
  agent: string;
  fence: number;
  outcome: string;
  offered_at: string;
  started_at: string | null;
  ended_at: string | null;
}
export interface Shade {
  kind: "window" | "idle_block" | "avoid_hours" | "preferred_hours";
  name: string;
  agent: string | null;
  from: string;
  until: string;
}
export interface TimelineAnswer {
  from: string;
  until: string;
  bars: Bar[];
  shades: Shade[];
  agents: string[];
  is_cut_off: boolean;
}
