/** One task: where it stands, why it waits, what was tried, what happened, what it was given and what came of it. */
import { Link, useParams } from "wouter";
import { TaskActs } from "../../act/task-acts";
import { tasks } from "../../api/endpoints";
import type { Task } from "../../api/types";
import { duration } from "../../format/time";
import { plain } from "../../format/words";
import { useDetail, useFleet } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { agentPath, taskPath } from "../../routes";
import { PriorityBadge, TaskBadge } from "../../ui/badge";
import { Fault, Loading } from "../../ui/empty";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";
import { Ribbon } from "./ribbon";
import { StoryPanels } from "./story";
import "./task.css";
import { useWhy, WhyPanel } from "./why";

function Value({ title, value }: { title: string; value: unknown }) {
  const isEmpty =
    value === null ||
    value === undefined ||
    (typeof value === "object" && Object.keys(value).length === 0);
  if (isEmpty) return null;
  return (
    <Panel title={title}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre className="value" tabIndex={0}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </Panel>
  );
}

export default function TaskPage() {
  const { id = "" } = useParams<{ id: string }>();
  useDetail(`task:${id}`);
  const stored = useLiveQuery<Task>(["task", id], () => tasks.show(id), 10);
  const live = useFleet((fleet) => fleet.tasks.get(id));
  const why = useWhy(id, live?.status ?? stored.data?.status);
  if (!stored.data)
    return stored.error ? (
      <Fault error={stored.error} retry={() => stored.refetch()} />
    ) : (
      <Loading what="the task" />
    );
  const task: Task = { ...stored.data, ...live };
  const parts: ReadonlyArray<readonly [string, React.ReactNode]> = [
    ["Id", <code key="id">{task.id}</code>],
    ["Mode", plain(task.mode)],
    [
      "Agent",
      task.agent_name ? (
        <Link href={agentPath(task.agent_name)}>{task.agent_name}</Link>
      ) : (
        "any that can"
      ),
    ],
    [
      "Created",
      <>
        <When iso={task.created_at} />
        {task.created_by ? ` by ${task.created_by}` : ""}
      </>,
    ],
    ["Not before", task.scheduled_for ? <When iso={task.scheduled_for} /> : null],
    ["Expires", task.expires_at ? <When iso={task.expires_at} /> : null],
    ["Started", task.started_at ? <When iso={task.started_at} /> : null],
    ["Ended", task.completed_at ? <When iso={task.completed_at} /> : null],
    ["Expected", task.estimated_duration_s ? duration(task.estimated_duration_s) : null],
    ["Ran for", task.actual_duration_s ? duration(task.actual_duration_s) : null],
    [
      "Attempts",
      task.attempt
        ? `${task.attempt}${task.error_count ? `, ${task.error_count} failed` : ""}`
        : null,
    ],
    [
      "Caps",
      task.daily_cap || task.weekly_cap
        ? [
            task.daily_cap ? `${task.current_daily_count ?? 0} of ${task.daily_cap} today` : "",
            task.weekly_cap
              ? `${task.current_weekly_count ?? 0} of ${task.weekly_cap} this week`
              : "",
          ]
            .filter(Boolean)
            .join(", ")
        : null,
    ],
    [
      "After",
      task.depends_on.length
        ? task.depends_on.map((one) => (
            <Link key={one} href={taskPath(one)} className="dependency">
              {one}
            </Link>
          ))
        : null,
    ],
  ];
  return (
    <div className="stack">
      <div className="view-head">
        <h1 className="clip">{task.name}</h1>
        <TaskBadge status={task.status} phase={task.phase} />
        <PriorityBadge priority={task.priority} />
        <span className="grow" />
        <TaskActs task={task} />
      </div>
      <Ribbon task={task} />
      {task.status === "running" && task.pct !== null ? (
        <div className="row live">
          <div className="grow">
            <Meter value={Math.round(task.pct)} max={100} label="Progress" tone="blue" />
          </div>
          <span className="num">{Math.round(task.pct)} %</span>
          <span className="soft">{task.step}</span>
        </div>
      ) : null}
      {task.last_error ? (
        <p className="error-line">
          <strong>{task.error_code ?? "error"}</strong> {task.last_error}
        </p>
      ) : null}
      <div className="task-columns">
        <div className="stack">
          <WhyPanel why={why} status={task.status} />
          <StoryPanels id={id} version={`${task.status}${task.attempt}`} />
        </div>
        <div className="stack">
          <Panel title="What it is">
            <dl className="facts">
              {parts
                .filter(([, value]) => value !== null)
                .map(([name, value]) => (
                  <div key={name} className="fact">
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                  </div>
                ))}
            </dl>
          </Panel>
          <Value title="Result" value={task.result} />
          <Value title="Arguments" value={task.args} />
          <Value title="Constraints" value={task.constraints} />
          <Value title="Rules of its own" value={task.anti_pattern_rules} />
          <Value title="Metadata" value={task.metadata} />
        </div>
      </div>
    </div>
  );
}
