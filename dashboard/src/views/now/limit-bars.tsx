/** Shared limits as filled bars; opened, they name who holds a place. */
import { Link } from "wouter";
import type { Limit } from "../../api/types";
import { count } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { taskPath } from "../../routes";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { Countdown } from "../../ui/when";

export function limitName(key: string): string {
  if (key === "global") return "All agents at once";
  return key
    .replace(/^mode:/, "")
    .replace(/^key:/, "")
    .replaceAll("_", " ");
}

function Holder({ id }: { id: string }) {
  const task = useFleet((fleet) => fleet.tasks.get(id));
  return (
    <li>
      <Link href={taskPath(id)}>{task?.name ?? id}</Link>
      {task?.agent_name ? <span className="faint"> on {task.agent_name}</span> : null}
    </li>
  );
}

export function LimitBars({ limits }: { limits: readonly Limit[] }) {
  const shown = [...limits]
    .sort((a, b) => b.used / (b.max || 1) - a.used / (a.max || 1))
    .slice(0, 6);
  return (
    <Panel
      title="Limits"
      flush
      aside={
        <Link href="/limits" className="small">
          All limits & caps
        </Link>
      }
    >
      {shown.length === 0 ? (
        <p className="soft pad">The plan sets no limit.</p>
      ) : (
        <ul className="lines live">
          {shown.map((limit) => (
            <li key={limit.key}>
              <details className="limit-line">
                <summary>
                  <span className="clip">{limitName(limit.key)}</span>
                  <Meter value={limit.used} max={limit.max} label={limitName(limit.key)} />
                  <span className="num small">
                    {count(limit.used)} / {count(limit.max)}
                  </span>
                </summary>
                <div className="small limit-holders">
                  {limit.holders.length ? (
                    <ul>
                      {limit.holders.slice(0, 12).map((id) => (
                        <Holder key={id} id={id} />
                      ))}
                    </ul>
                  ) : (
                    <p className="soft">Nobody holds a place.</p>
                  )}
                  {limit.queued_behind ? (
                    <p className="soft">{count(limit.queued_behind)} wait behind it.</p>
                  ) : null}
                  {limit.frees_at ? (
                    <p className="soft">
                      A place is free <Countdown iso={limit.frees_at} />, by what is known.
                    </p>
                  ) : null}
                  {limit.held ? (
                    <p className="soft">
                      Held by {limit.held.actor}: {limit.held.reason}
                    </p>
                  ) : null}
                </div>
              </details>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
