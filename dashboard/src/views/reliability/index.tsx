/** What fails, where, and what that costs: failures by agent and mode, figures, lost time, what is on cooldown. */
import { useState } from "react";
import { past } from "../../api/endpoints";
import type { Analytics } from "../../api/types";
import { count } from "../../format/numbers";
import { duration } from "../../format/time";
import { reason } from "../../format/words";
import { useLiveQuery } from "../../live/query";
import { Empty, Fault, Loading } from "../../ui/empty";
import { Panel } from "../../ui/panel";
import { Budget } from "./budget";
import { FailureGrid } from "./failures";
import { FiguresTable } from "./figures";
import { PerDay } from "./per-day";
import "./reliability.css";
import { Unwell } from "./unwell";

const SPANS: ReadonlyArray<readonly [string, number]> = [
  ["1 day", 1],
  ["7 days", 7],
  ["30 days", 30],
];

function rate(value: number | null): string {
  return value === null ? "–" : `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
}

function Totals({ totals }: { totals: Analytics["totals"] }) {
  const tiles: ReadonlyArray<readonly [string, string]> = [
    ["Attempts ended", count(totals.runs)],
    ["Failed", `${count(totals.failed)} (${rate(totals.failure_rate)})`],
    ["Use of agents", rate(totals.utilisation)],
    ["Ran in all", duration(totals.ran_s)],
    [
      "Wait, median and p95",
      totals.wait_p50_s === null
        ? "–"
        : `${duration(totals.wait_p50_s)} / ${duration(totals.wait_p95_s ?? 0)}`,
    ],
    [
      "Run, median and p95",
      totals.run_p50_s === null
        ? "–"
        : `${duration(totals.run_p50_s)} / ${duration(totals.run_p95_s ?? 0)}`,
    ],
  ];
  return (
    <dl className="figures live">
      {tiles.map(([name, value]) => (
        <div key={name} className="tile">
          <dt className="soft small">{name}</dt>
          <dd className="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export default function Reliability() {
  const [days, setDays] = useState(7);
  const found = useLiveQuery(["analytics", days], () => past.analytics(days), 30);
  return (
    <div className="stack">
      <div className="view-head">
        <h1>Reliability</h1>
        <span className="grow" />
        <div className="segments" role="radiogroup" aria-label="How far to look back">
          {SPANS.map(([name, many]) => (
            <button
              key={many}
              type="button"
              role="radio"
              className="button"
              aria-checked={days === many}
              onClick={() => setDays(many)}
            >
              {name}
            </button>
          ))}
        </div>
        <a className="button" href={past.exportUrl(days, "agent")} download>
          CSV by agent
        </a>
        <a className="button" href={past.exportUrl(days, "mode")} download>
          CSV by mode
        </a>
      </div>
      <Budget />
      <Unwell />
      {found.data ? (
        <Shown data={found.data} />
      ) : found.error ? (
        <Fault error={found.error} retry={() => found.refetch()} />
      ) : (
        <Loading what="what happened" />
      )}
    </div>
  );
}

function Shown({ data }: { data: Analytics }) {
  if (data.totals.runs === 0)
    return (
      <section className="panel">
        <Empty title="No attempt ended in this time">
          Figures come with the first tasks that are done.
        </Empty>
      </section>
    );
  return (
    <>
      <Totals totals={data.totals} />
      <Panel title="Failures by agent and mode">
        <FailureGrid cells={data.failures} />
      </Panel>
      <div className="now-columns">
        <Panel title="Hours run per day">
          <PerDay days={data.days} agents={data.agents} />
        </Panel>
        <Panel
          title="Agents' time without work"
          flush
          aside={<span className="small faint">looked at for {duration(data.lost.covered_s)}</span>}
        >
          {data.lost.reasons.length === 0 ? (
            <p className="pad soft">None that was seen.</p>
          ) : (
            <table className="table live">
              <thead>
                <tr>
                  <th>Reason</th>
                  <th className="num">Agent hours</th>
                </tr>
              </thead>
              <tbody>
                {data.lost.reasons.slice(0, 10).map((one) => (
                  <tr key={one.code}>
                    <td>{reason(one.code)}</td>
                    <td className="num">{one.agent_hours.toFixed(1)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      </div>
      <Panel title="By agent" flush>
        <FiguresTable rows={data.agents} what="Agent" isAgent />
      </Panel>
      <Panel title="By mode" flush>
        <FiguresTable rows={data.modes} what="Mode" />
      </Panel>
    </>
  );
}
