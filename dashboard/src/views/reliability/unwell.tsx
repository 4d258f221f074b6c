/** Agents that are not well or that fail today, the worst first. */
import { useMemo } from "react";
import { Link } from "wouter";
import type { Agent } from "../../api/types";
import { useFleet } from "../../live/hooks";
import { agentPath } from "../../routes";
import { AgentBadge, HealthBadge } from "../../ui/badge";
import { Panel } from "../../ui/panel";

const SHOWN = 8;

function weight(agent: Agent): number {
  return (
    (agent.health === "critical" ? 1_000 : agent.health === "warning" ? 100 : 0) +
    (agent.suspect ? 500 : 0) +
    agent.error_count
  );
}

export function Unwell() {
  const agents = useFleet((fleet) => fleet.agents);
  const found = useMemo(
    () =>
      [...agents.values()]
        .filter((agent) => weight(agent) > 0)
        .sort((a, b) => weight(b) - weight(a)),
    [agents],
  );
  if (found.length === 0) return null;
  return (
    <Panel
      title="Not well today"
      flush
      aside={<span className="small soft num">{found.length}</span>}
    >
      <ul className="lines live">
        {found.slice(0, SHOWN).map((agent) => (
          <li key={agent.name} className="alert-line">
            <Link href={agentPath(agent.name)}>{agent.name}</Link>
            <AgentBadge status={agent.status} suspect={agent.suspect} />
            <HealthBadge health={agent.health} />
            <span className="soft small grow">{agent.reasons.join("; ") || agent.last_error}</span>
            {agent.error_count ? (
              <span className="small nowrap">{agent.error_count} failed today</span>
            ) : null}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
