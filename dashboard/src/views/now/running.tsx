/** What runs at this moment, furthest first. */
import { useMemo } from "react";
import { Link } from "wouter";
import { plural } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { agentPath, taskPath } from "../../routes";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { Since } from "../../ui/when";

const SHOWN = 10;

export function Running() {
  const tasks = useFleet((fleet) => fleet.tasks);
  const total = useFleet((fleet) => fleet.summary?.running_tasks ?? 0);
  const running = useMemo(
    () =>
      [...tasks.values()]
        .filter((task) => task.status === "running")
        .sort((a, b) => (a.started_at ?? "").localeCompare(b.started_at ?? "")),
    [tasks],
  );
  return (
    <Panel
      title="Running"
      flush
      aside={
        <Link href="/tasks?status=running" className="small">
          {plural(total, "task")}
        </Link>
      }
    >
      {running.length === 0 ? (
        <p className="soft pad">
          {total === 0 ? "Nothing runs now." : "Those that run are in the list of tasks."}
        </p>
      ) : (
        <ul className="lines live">
          {running.slice(0, SHOWN).map((task) => (
            <li key={task.id} className="running-line">
              <span className="clip">
                <Link href={taskPath(task.id)}>{task.name}</Link>
                {task.step ? <span className="faint"> · {task.step}</span> : null}
              </span>
              <span className="clip soft">
                {task.agent_name ? (
                  <Link href={agentPath(task.agent_name)}>{task.agent_name}</Link>
                ) : (
                  "–"
                )}
              </span>
              {task.pct === null || task.pct === undefined ? (
                <span className="faint small">no progress told</span>
              ) : (
                <span className="row">
                  <Meter
                    value={Math.round(task.pct)}
                    max={100}
                    label={`Progress of ${task.name}`}
                    tone="blue"
                  />
                  <span className="num small">{Math.round(task.pct)} %</span>
                </span>
              )}
              <span className="small soft">
                <Since iso={task.started_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
