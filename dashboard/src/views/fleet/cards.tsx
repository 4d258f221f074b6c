/** One card per agent, by machine: who it is, how it is, what it does, and what it measured last. */
import { useMemo } from "react";
import { Link } from "wouter";
import type { Agent } from "../../api/types";
import { figure, unitOf } from "../../format/numbers";
import { plain } from "../../format/words";
import { useFleet } from "../../live/hooks";
import { agentPath, taskPath } from "../../routes";
import { AgentBadge, Badge, Chip, HealthBadge } from "../../ui/badge";
import { Meter } from "../../ui/meter";
import { When } from "../../ui/when";

const METRICS = ["cpu_usage", "memory_usage", "response_time", "fps", "network_latency"];

function Doing({ agent }: { agent: Agent }) {
  const id = agent.holds[0];
  const task = useFleet((fleet) => (id === undefined ? undefined : fleet.tasks.get(id)));
  if (id === undefined) {
    return (
      <p className="soft card-doing">
        {agent.last_error && agent.status === "error"
          ? agent.last_error
          : (agent.reasons[0] ?? "Nothing to do")}
      </p>
    );
  }
  return (
    <div className="card-doing">
      <p className="clip">
        <Link href={taskPath(id)}>{task?.name ?? id}</Link>
        {task?.step ? <span className="faint"> · {task.step}</span> : null}
      </p>
      {task?.pct === null || task?.pct === undefined ? null : (
        <Meter
          value={Math.round(task.pct)}
          max={100}
          label={`Progress of ${task.name}`}
          tone="blue"
        />
      )}
    </div>
  );
}

function Card({
  agent,
  chosen,
  onChoose,
}: {
  agent: Agent;
  chosen: boolean;
  onChoose: () => void;
}) {
  const metrics = METRICS.filter((name) => agent.performance_metrics[name] !== undefined).slice(
    0,
    4,
  );
  const edge = agent.suspect ? "warning" : agent.status === "offline" ? "offline" : agent.health;
  return (
    <li
      className={`agent-card live edge-${edge}`}
      data-chosen={chosen || undefined}
      data-agent={agent.name}
    >
      <header>
        <input
          type="checkbox"
          aria-label={`Select ${agent.name}`}
          checked={chosen}
          onChange={onChoose}
        />
        <Link href={agentPath(agent.name)} className="card-name clip">
          {agent.name}
        </Link>
        <AgentBadge status={agent.status} suspect={agent.suspect} />
      </header>
      <Doing agent={agent} />
      <div className="row wrap card-row">
        <HealthBadge health={agent.health} />
        {agent.operator ? (
          <Badge
            look={{ hue: "purple", shape: "diamond" }}
            title={`${agent.operator.actor}: ${agent.operator.reason}`}
          >
            {agent.operator.verb}
          </Badge>
        ) : null}
        {agent.capabilities.slice(0, 3).map((one) => (
          <Chip key={one}>{plain(one)}</Chip>
        ))}
        {agent.capabilities.length > 3 ? (
          <Chip title={agent.capabilities.slice(3).map(plain).join(", ")}>
            +{agent.capabilities.length - 3}
          </Chip>
        ) : null}
      </div>
      {metrics.length === 0 ? (
        <p className="card-metrics faint small">No metric told yet</p>
      ) : (
        <dl className="card-metrics">
          {metrics.map((name) => (
            <div key={name}>
              <dt>{plain(name.replace(/_(usage|time)$/, ""))}</dt>
              <dd className="num">
                {figure(agent.performance_metrics[name] ?? 0)}{" "}
                <span className="faint">{unitOf(name)}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <footer className="small faint">
        <span>
          Heard <When iso={agent.last_heartbeat} as="ago" />
        </span>
        {agent.error_count ? <span>{agent.error_count} failed today</span> : null}
      </footer>
    </li>
  );
}

export function Cards({
  agents,
  chosen,
  onChoose,
}: {
  agents: readonly Agent[];
  chosen: ReadonlySet<string>;
  onChoose: (name: string) => void;
}) {
  const groups = useMemo(() => {
    const by = new Map<string, Agent[]>();
    for (const agent of agents) {
      const machine = agent.machine_id ?? "no machine told";
      by.set(machine, [...(by.get(machine) ?? []), agent]);
    }
    return [...by];
  }, [agents]);
  return (
    <div className="card-groups">
      {groups.map(([machine, members]) => (
        <section
          key={machine}
          aria-label={machine}
          style={{ flex: `${members.length} 1 ${Math.min(members.length, 4) * 296}px` }}
        >
          <h2 className="machine">
            {machine} <span className="faint num">{members.length}</span>
          </h2>
          <ul className="cards">
            {members.map((agent) => (
              <Card
                key={agent.name}
                agent={agent}
                chosen={chosen.has(agent.name)}
                onChoose={() => onChoose(agent.name)}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
