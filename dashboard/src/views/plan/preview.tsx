/** A changed plan looked at before it counts: what changes, and the next seven days simulated under it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { plan } from "../../api/endpoints";
import type { Json } from "../../api/types";
import { count, plural } from "../../format/numbers";
import { clock, day, duration } from "../../format/time";
import { reason } from "../../format/words";
import { useZone } from "../../shell/zone";
import { Fault, Loading } from "../../ui/empty";
import { modeHue } from "../../ui/looks";
import { Modal } from "../../ui/modal";
import { Changes } from "./changes";

interface Look {
  from_ms: number;
  until_ms: number;
  assumptions: string[];
  runs: {
    task: string;
    name: string;
    mode: string;
    agent: string;
    starts_ms: number;
    ends_ms: number;
  }[];
  runs_total: number;
  waiting: { code: string; tasks: number; total_ms: number; longest_ms: number }[];
  never: { task: string; name: string; code: string; text: string }[];
  never_total: number;
  skipped: { schedule: string; reason: string; count: number }[];
  limits: { key: string; limit: number; peak: number; full_ms: number }[];
}

const DAYS = 7;

export function Preview({ document, onClose }: { document: Json; onClose: () => void }) {
  const diff = useQuery({
    queryKey: ["plan-diff", document],
    queryFn: () => plan.diff(document),
    gcTime: 0,
  });
  const ahead = useQuery({
    queryKey: ["plan-preview", document],
    queryFn: () => plan.preview(document, DAYS),
    gcTime: 0,
    retry: false,
  });
  return (
    <Modal title="Preview" onClose={onClose} className="wide">
      <div className="body stack">
        <section className="stack tight" aria-label="What changes">
          <h3>What changes</h3>
          {diff.data ? (
            <Changes diff={diff.data} />
          ) : diff.error ? (
            <Fault error={diff.error} />
          ) : (
            <Loading what="what changes" />
          )}
        </section>
        <section className="stack tight" aria-label="The next seven days">
          <h3>The next seven days, simulated</h3>
          {ahead.data ? (
            <Ahead look={ahead.data.preview as unknown as Look} />
          ) : ahead.error ? (
            <Fault error={ahead.error} retry={() => ahead.refetch()} />
          ) : (
            <Loading what="the coming days" />
          )}
        </section>
      </div>
      <footer>
        <button type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </footer>
    </Modal>
  );
}

function Ahead({ look }: { look: Look }) {
  const zone = useZone();
  const rows = useMemo(() => {
    const by = new Map<string, Look["runs"]>();
    for (const run of look.runs) by.set(run.agent, [...(by.get(run.agent) ?? []), run]);
    return [...by].sort(([a], [b]) => a.localeCompare(b));
  }, [look.runs]);
  const span = look.until_ms - look.from_ms;
  const left = (at: number) => `${(100 * Math.max(0, at - look.from_ms)) / span}%`;
  const days = Array.from(
    { length: Math.round(span / 86_400_000) },
    (_, index) => look.from_ms + index * 86_400_000,
  );
  return (
    <div className="stack tight">
      <p>
        {plural(look.runs_total, "run")} would start; {plural(look.never_total, "task")} would not
        start at all.
      </p>
      {rows.length ? (
        <div
          className="ahead"
          role="img"
          aria-label={`Runs of ${plural(rows.length, "agent")} over the next days; the tables below say the rest`}
        >
          <div className="ahead-days small faint">
            {days.map((at) => (
              <span key={at} style={{ left: left(at) }}>
                {day(at, zone).slice(0, 6)}
              </span>
            ))}
          </div>
          {rows.slice(0, 30).map(([agent, runs]) => (
            <div key={agent} className="ahead-row">
              <span className="clip small">{agent}</span>
              <div>
                {runs.slice(0, 400).map((run) => (
                  <i
                    key={`${run.task}${run.starts_ms}`}
                    className={`bar ${modeHue(run.mode)}`}
                    style={{
                      left: left(run.starts_ms),
                      width: `max(2px, ${(100 * (Math.min(run.ends_ms, look.until_ms) - run.starts_ms)) / span}%)`,
                    }}
                    title={`${run.name}, ${day(run.starts_ms, zone)} ${clock(run.starts_ms, zone)}, for ${duration((run.ends_ms - run.starts_ms) / 1000)}`}
                  />
                ))}
              </div>
            </div>
          ))}
        </div>
      ) : null}
      {look.never.length ? (
        <ul className="small">
          {look.never.slice(0, 8).map((one) => (
            <li key={one.task}>
              <strong>{one.name}</strong> would not start: {one.text || reason(one.code)}
            </li>
          ))}
        </ul>
      ) : null}
      {look.waiting.length ? (
        <table className="table small">
          <thead>
            <tr>
              <th>Waits because</th>
              <th className="num">Tasks</th>
              <th className="num">In all</th>
              <th className="num">Longest</th>
            </tr>
          </thead>
          <tbody>
            {look.waiting.slice(0, 8).map((one) => (
              <tr key={one.code}>
                <td>{reason(one.code)}</td>
                <td className="num">{count(one.tasks)}</td>
                <td className="num">{duration(one.total_ms / 1000)}</td>
                <td className="num">{duration(one.longest_ms / 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      {look.skipped.map((one) => (
        <p key={`${one.schedule}${one.reason}`} className="small soft">
          {one.schedule}: {plural(one.count, "run")} left out ({reason(one.reason)})
        </p>
      ))}
      {look.assumptions.length ? (
        <p className="small faint">Assuming: {look.assumptions.join("; ")}</p>
      ) : null}
    </div>
  );
}
