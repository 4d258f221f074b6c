/** What an agent measured: the newest values in words, the last hour as lines, with the plan's thresholds. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { agents, plan } from "../../api/endpoints";
import type { Agent, Json, SeriesPage } from "../../api/types";
import { figure, unitOf } from "../../format/numbers";
import { plain } from "../../format/words";
import { useStore } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { Panel } from "../../ui/panel";
import { Spark } from "../../ui/spark";

const KEPT = 240;
const WINDOW_MS = 3_600_000;

type Point = readonly [at: number, value: number];

/** The limit that the plan sets for *metric* of *agent*: its own, or that of all. */
export function thresholdOf(
  document: Json | undefined,
  agent: string,
  metric: string,
): number | undefined {
  const own = (Array.isArray(document?.agents) ? document.agents : []).find(
    (one: Json) => one.name === agent,
  ) as Json | undefined;
  const all = (document?.monitoring as Json | undefined)?.thresholds as Json | undefined;
  const stem = metric.replace(/_usage$/, "");
  for (const source of [own?.performance_thresholds as Json | undefined, all]) {
    for (const key of [`${stem}_max`, `${metric}_max`, `${stem}_warning`, `${stem}_min`]) {
      const value = source?.[key];
      if (typeof value === "number") return value;
    }
  }
  return undefined;
}

/** The values of the last hour as the server keeps them, by metric. */
function read(said: SeriesPage | undefined): Map<string, Point[]> {
  return new Map(
    (said?.series ?? []).map((one) => [
      one.name,
      one.at.map((at, index): Point => [Date.parse(at), one.mean[index] ?? 0]),
    ]),
  );
}

export function Metrics({ agent }: { agent: Agent }) {
  const store = useStore();
  const names = Object.keys(agent.performance_metrics).sort();
  const past = useLiveQuery(
    ["metrics", agent.name],
    () => agents.metrics(agent.name, new Date(Date.now() - WINDOW_MS).toISOString()),
    30,
  );
  const inForce = useQuery({ queryKey: ["plan"], queryFn: plan.show, staleTime: 30_000 });
  // What the stream says while the page is open, on top of what the server keeps.
  const seen = useRef(new Map<string, Point[]>());
  const metrics = agent.performance_metrics;
  useEffect(() => {
    const at = store.now();
    for (const [name, value] of Object.entries(metrics)) {
      const points = seen.current.get(name) ?? [];
      if (points.at(-1)?.[1] === value && at - (points.at(-1)?.[0] ?? 0) < 1_000) continue;
      seen.current.set(name, [...points.slice(-KEPT), [at, value]]);
    }
  }, [metrics, store]);
  const kept = read(past.data);
  if (names.length === 0) {
    return (
      <Panel title="What it measures">
        <p className="soft">
          It has told no metric yet. A bot reports its own with{" "}
          <code>agent.metric(name, value)</code>.
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="What it measures">
      <ul className="metric-grid">
        {names.map((name) => {
          const stored = kept.get(name) ?? [];
          const newest = stored.at(-1)?.[0] ?? 0;
          const values = [
            ...stored,
            ...(seen.current.get(name) ?? []).filter(([at]) => at > newest),
          ];
          const limit = thresholdOf(inForce.data?.data.plan, agent.name, name);
          return (
            <li key={name}>
              <p className="row apart">
                <span className="soft small clip">{plain(name)}</span>
                <strong className="num nowrap">
                  {figure(metrics[name] ?? 0)} <span className="faint small">{unitOf(name)}</span>
                </strong>
              </p>
              <Spark
                values={values}
                threshold={limit}
                label={`${plain(name)} of ${agent.name} over the last hour${limit === undefined ? "" : `, threshold ${limit}`}`}
              />
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
