/** Every question and act that a view may use, by name and with its types. */
import { asked, BASE, get, post } from "./client";
import type {
  ActsAnswer,
  Agent,
  AgentVerb,
  Alert,
  Alerts,
  Analytics,
  FleetEvent,
  Json,
  Limits,
  Page,
  PlanCard,
  PlanCheck,
  PlanDiff,
  PlanPreview,
  Schedule,
  SeriesPage,
  Session,
  StoredPlan,
  Story,
  Task,
  TaskCreation,
  TaskVerb,
  TimelineAnswer,
  Why,
} from "./types";

const part = encodeURIComponent;

export const session = {
  show: () => get<Session>("/session"),
  signIn: (token: string) => post<Session>("/session", { token }),
  signOut: () => asked<void>("DELETE", "/session"),
};

export const agents = {
  show: (name: string) => get<Agent>(`/agents/${part(name)}`),
  register: (body: {
    name: string;
    machine_id: string;
    window_id: string;
    capabilities: string[];
  }) => post<Agent>("/agents", body),
  forget: (name: string) => asked<unknown>("DELETE", `/agents/${part(name)}`),
  whyIdle: (name: string) => get<Why<Json>>(`/agents/${part(name)}/why-idle`),
  metrics: (name: string, since: string) =>
    get<SeriesPage>(`/agents/${part(name)}/metrics`, { since }),
  /** For so many seconds; null is for ever, and what does not last has none. */
  act: (name: string, verb: AgentVerb, reason: string, forS: number | null | undefined) =>
    post<unknown>(`/agents/${part(name)}/actions`, {
      verb,
      reason,
      ...(forS === undefined ? {} : forS === null ? { forever: true } : { for_s: forS }),
    }),
};

export interface TaskQuery {
  status?: readonly string[];
  priority?: readonly string[];
  mode?: readonly string[];
  agent?: string;
  q?: string;
  blocked_by?: string;
  sort?: string;
}

export const tasks = {
  list: (query: TaskQuery, offset: number, limit: number, signal?: AbortSignal) =>
    get<Page<Task>>("/tasks", { ...query, ...(offset ? { offset } : {}), limit }, signal),
  show: (id: string) => get<Task>(`/tasks/${part(id)}`),
  create: (body: TaskCreation, key: string) =>
    post<Task>("/tasks", body, { "Idempotency-Key": key }),
  update: (id: string, body: { status: string; reason?: string }) =>
    post<unknown>(`/tasks/${part(id)}/status`, body),
  act: (id: string, verb: TaskVerb, reason: string) =>
    post<unknown>(`/tasks/${part(id)}/actions`, { verb, reason }),
  actOnMany: (
    verb: TaskVerb,
    reason: string,
    which: { ids: string[] } | { filter: Json },
    dryRun: boolean,
  ) => post<ActsAnswer>("/tasks/actions", { verb, reason, ...which, dry_run: dryRun }),
  why: (id: string) => get<Why<Json>>(`/tasks/${part(id)}/why`),
  story: (id: string) => get<Story>(`/tasks/${part(id)}/story`),
};

export const plan = {
  show: () => asked<StoredPlan>("GET", "/fleet-plan"),
  version: (n: number) => get<StoredPlan>(`/fleet-plan/versions/${n}`),
  history: () => get<{ version: number; items: PlanCard[] }>("/fleet-plan/history"),
  check: (document: Json) => post<PlanCheck>("/fleet-plan/check", { plan: document }),
  diff: (document: Json) => post<PlanDiff>("/fleet-plan/diff", { plan: document }),
  /** Of another plan, or without one of that in force. */
  preview: (document: Json | null, days: number) =>
    post<PlanPreview>("/fleet-plan/preview", document ? { plan: document, days } : { days }),
  apply: (document: Json, etag: string, comment: string) =>
    asked<{ version: number; warnings: string[] }>("PUT", "/fleet-plan", {
      body: document,
      headers: { "If-Match": etag },
      query: { comment },
    }),
  rollback: (version: number, comment: string) =>
    post<{ version: number; warnings: string[] }>("/fleet-plan/rollback", { version, comment }),
  schema: () => get<Json>("/fleet-plan/schema"),
};

export const fleet = {
  limits: () => get<Limits>("/limits"),
  actOnLimit: (key: string, verb: "hold" | "release", reason: string, forS: number | null) =>
    post<unknown>(`/limits/${part(key)}/actions`, {
      verb,
      reason,
      ...(forS === null ? { forever: true } : { for_s: forS }),
    }),
  act: (verb: "pause" | "resume" | "reset_budget", reason: string, forS: number | null) =>
    post<unknown>("/fleet/actions", {
      verb,
      reason,
      ...(verb !== "pause" ? {} : forS === null ? { forever: true } : { for_s: forS }),
    }),
  why: () => get<Why<Json>>("/why"),
  /** Figures of the fleet over time, by name. */
  metrics: (since: string, names: readonly string[]) =>
    get<SeriesPage>("/fleet/metrics", { since, names }),
  schedules: () => get<Schedule[]>("/schedules"),
  events: (query: {
    cursor?: string | null;
    kind?: string;
    subject?: string;
    q?: string;
    limit?: number;
  }) => get<Page<FleetEvent>>("/events", query),
};

export const past = {
  analytics: (days: number) => get<Analytics>("/analytics", { days }),
  /** Of the agents named; of all, if none is. */
  timeline: (from: string, to: string, agent: readonly string[]) =>
    get<TimelineAnswer>("/timeline", { from, to, agent }),
  exportUrl: (days: number, group: "agent" | "mode") =>
    `${BASE}/analytics/export.csv?days=${days}&group=${group}`,
};

export const alerts = {
  list: () => get<Alerts>("/alerts", { limit: 200 }),
  acknowledge: (id: string) => post<Alert>(`/alerts/${part(id)}/acknowledge`, {}),
  test: (channel: string) => post<{ message: string | null }>("/alerts/test", { channel }),
};
