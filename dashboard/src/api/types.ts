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
export type Alert = Required<Schemas["Alert"]>;
export type Channel = Required<Schemas["ChannelStatus"]>;
export type Alerts = Omit<Required<Schemas["Alerts"]>, "items" | "channels"> & {
  items: Alert[];
  channels: Channel[];
};
export type Figures = Required<Schemas["Figures"]>;
export type Analytics = Required<Schemas["Analytics"]>;
export type Points = Required<Schemas["Points"]>;
export type SeriesPage = Required<Schemas["SeriesPage"]>;
export type Bar = Required<Schemas["Bar"]>;
export type Shade = Required<Schemas["Shade"]>;
export type TimelineAnswer = Required<Schemas["Timeline"]>;
