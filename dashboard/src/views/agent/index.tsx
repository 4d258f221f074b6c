/** One agent: who it is, what it does, what it measures, why it does no more, and what can be done with it. */
import { Link, useParams } from "wouter";
import { type AGENT_VERBS, AgentActs } from "../../act/agent-acts";
import { agents } from "../../api/endpoints";
import type { Agent } from "../../api/types";
import { duration } from "../../format/time";
import { plain } from "../../format/words";
import { useDetail, useFleet } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { AgentBadge, Badge, Chip, HealthBadge } from "../../ui/badge";
import { Fault, Loading } from "../../ui/empty";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { Countdown, Since, When } from "../../ui/when";
import "./agent.css";
import { IdlePanel } from "./idle";
import { Metrics } from "./metrics";
import { RecentRuns } from "./recent-runs";
import { Today } from "./today";

type Verb = keyof typeof AGENT_VERBS;

function verbsFor(agent: Agent): Verb[] {
  const service: Verb[] = agent.operator ? ["return"] : ["cordon", "drain", "maintenance"];
  const process: Verb[] = agent.status === "offline" ? ["start"] : ["restart", "stop"];
  return [...service, ...process, "unregister"];
}

function Holds({ agent }: { agent: Agent }) {
  const tasks = useFleet((fleet) => fleet.tasks);
  if (agent.holds.length === 0) return null;
  return (
    <Panel title="Holds" flush>
      <ul className="lines live">
        {agent.holds.map((id) => {
          const task = tasks.get(id);
          return (
            <li key={id} className="running-line">
              <span className="clip">
                <Link href={taskPath(id)}>{task?.name ?? id}</Link>
                {task?.step ? <span className="faint"> · {task.step}</span> : null}
              </span>
              <span className="soft small">{task ? plain(task.mode) : ""}</span>
              {task && task.pct !== null ? (
                <Meter
                  value={Math.round(task.pct)}
                  max={100}
                  label={`Progress of ${task.name}`}
                  tone="blue"
                />
              ) : (
                <span className="faint small">no progress told</span>
              )}
              <span className="small soft">
                {task?.started_at ? <Since iso={task.started_at} /> : null}
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

export default function AgentPage() {
  const { name = "" } = useParams<{ name: string }>();
  useDetail(`agent:${name}`);
  const stored = useLiveQuery<Agent>(["agent", name], () => agents.show(name), 10);
  const live = useFleet((fleet) => fleet.agents.get(name));
  const columns = useFleet((fleet) => fleet.columns);
  if (!stored.data)
    return stored.error ? (
      <Fault error={stored.error} retry={() => stored.refetch()} />
    ) : (
      <Loading what="the agent" />
    );
  // In a large fleet the stream tells only a few fields of each, so the rest is the stored record's.
  const fresh =
    live && columns
      ? (Object.fromEntries(
          columns.filter((one) => one in stored.data).map((one) => [one, live[one as keyof Agent]]),
        ) as Partial<Agent>)
      : live;
  const agent: Agent = { ...stored.data, ...fresh };
  return (
    <div className="stack" data-agent={agent.name}>
      <div className="view-head">
        <h1 className="clip">{agent.name}</h1>
        <AgentBadge status={agent.status} suspect={agent.suspect} />
        <HealthBadge health={agent.health} />
        {agent.operator ? (
          <Badge look={{ hue: "purple", shape: "diamond" }}>
            {agent.operator.verb} by {agent.operator.actor}
          </Badge>
        ) : null}
        <span className="grow" />
        <AgentActs names={[agent.name]} verbs={verbsFor(agent)} />
      </div>
      {agent.operator ? (
        <p className="operator-line">
          {agent.operator.reason}
          {agent.operator.until ? (
            <>
              {" "}
              · until <When iso={agent.operator.until} /> (<Countdown iso={agent.operator.until} />)
            </>
          ) : (
            " · until taken back"
          )}
        </p>
      ) : null}
      {agent.reasons.length ? <p className="reason-note">{agent.reasons.join("; ")}</p> : null}
      <Today agent={agent} />
      <div className="task-columns">
        <div className="stack">
          <Holds agent={agent} />
          <Metrics agent={agent} />
          <RecentRuns name={agent.name} />
        </div>
        <div className="stack">
          <IdlePanel name={agent.name} busy={agent.holds.length > 0} />
          <Panel title="Who it is">
            <dl className="facts">
              <dt>Machine</dt>
              <dd>{agent.machine_id ?? "–"}</dd>
              <dt>Window</dt>
              <dd>{agent.window_id ?? "–"}</dd>
              <dt>Can do</dt>
              <dd className="row wrap">
                {agent.capabilities.map((one) => (
                  <Chip key={one}>{plain(one)}</Chip>
                ))}
              </dd>
              <dt>Mode</dt>
              <dd>
                {agent.current_mode ? plain(agent.current_mode) : "–"}
                {agent.desired_mode !== "active" ? `, asked to ${agent.desired_mode}` : ""}
              </dd>
              <dt>Slots</dt>
              <dd>
                {agent.holds.length} of {agent.slots}
              </dd>
              <dt>Heard</dt>
              <dd>
                <When iso={agent.last_heartbeat} as="ago" />
              </dd>
              <dt>Up for</dt>
              <dd>{agent.uptime_s === null ? "–" : duration(agent.uptime_s)}</dd>
              <dt>Failed today</dt>
              <dd>{agent.error_count}</dd>
              {agent.last_error ? (
                <>
                  <dt>Last error</dt>
                  <dd>{agent.last_error}</dd>
                </>
              ) : null}
              <dt>Introduced</dt>
              <dd>
                <When iso={agent.registration_time} />
              </dd>
              <dt>Config</dt>
              <dd>{agent.config_path ? <code>{agent.config_path}</code> : "–"}</dd>
              <dt>Incarnation</dt>
              <dd className="num">{agent.epoch}</dd>
              <dt>Client</dt>
              <dd>
                {agent.client ? `${agent.client.name ?? ""} ${agent.client.version ?? ""}` : "–"}
              </dd>
              {Object.entries(agent.labels).map(([key, value]) => (
                <div key={key} className="fact">
                  <dt>{key}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </Panel>
        </div>
      </div>
    </div>
  );
}
