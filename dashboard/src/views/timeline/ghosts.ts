/** What a look ahead says will run, as bars of the timeline. */
import type { PlanPreview } from "../../api/types";

export const FORECAST = "forecast";

interface Planned {
  task: string;
  name: string;
  mode: string;
  agent: string;
  starts_ms: number;
  ends_ms: number;
}

export interface Ghost {
  task: string;
  name: string;
  mode: string;
  agent: string;
  outcome: typeof FORECAST;
  from: number;
  until: number;
}

export function ghostsOf(preview: PlanPreview | undefined): readonly Ghost[] {
  const runs = (preview?.preview as { runs?: Planned[] } | undefined)?.runs ?? [];
  return runs.map(({ starts_ms, ends_ms, task, name, mode, agent }) => ({
    task,
    name,
    mode,
    agent,
    outcome: FORECAST,
    from: starts_ms,
    until: Math.max(ends_ms, starts_ms),
  }));
}
