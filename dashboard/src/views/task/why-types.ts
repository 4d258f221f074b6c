/** The answer to "why does it wait?", as docs/scheduling.md describes it. */

export interface Holder {
  task: string;
  name: string;
  agent: string;
  p50_left_s?: number | null;
}

export interface Gate {
  code: string;
  ok: boolean;
  scope?: string;
  text?: string;
  by?: string;
  use?: number;
  limit?: number | null;
  used?: number;
  cap?: number | null;
  reserved?: number;
  passed?: number;
  failed?: number;
  windows?: string[];
  until_ms?: number | null;
  resets_ms?: number | null;
  holders?: Holder[];
}

export interface Miss {
  agent: string;
  fails: string[];
  text: string;
  until_ms?: number | null;
}

/** What a program would do for it; of "plan", the plan says the rest. */
export interface Action {
  op: string;
  task?: string;
  agent?: string;
}

export interface Change {
  change: string;
  effect: string;
  actions: Action[];
}

export interface TaskWhy {
  task: string;
  name: string;
  status: string;
  phase: string;
  since_ms: number;
  as_of_ms: number;
  headline: { code: string; text: string };
  gates?: Gate[];
  agents?: Record<string, number> & { nearest_miss: Miss[] };
  position?: { in_shape: number; ahead: number; is_exact: boolean; waiting_alike: number };
  earliest?: { at_ms: number | null; kind: string; basis: string; not_before_certain_ms: number };
  would_run_if?: Change[];
  history?: [number, string][];
  ends?: { at_ms: number; basis?: string } | null;
  agent?: string;
}
