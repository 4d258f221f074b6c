/** Agents and alerts that want a person; silent when none does. */
import { useMemo } from "react";
import { Link } from "wouter";
import type { Agent } from "../../api/types";
import { useFleet } from "../../live/hooks";
import { agentPath } from "../../routes";
import { AgentBadge, HealthBadge } from "../../ui/badge";
import { Glyph } from "../../ui/glyph";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";

const SHOWN = 6;

function wants(agent: Agent): string | null {
  if (agent.suspect) return "nothing was heard of it lately";
  if (agent.status === "error") return agent.last_error ?? "it reports an error";
  if (agent.health === "critical") return agent.reasons[0] ?? "its metrics are critical";
  return null;
}

export function Attention() {
  const agents = useFleet((fleet) => fleet.agents);
  const alerts = useFleet((fleet) => fleet.alerts);
  const open = alerts.filter((alert) => alert.state !== "resolved");
  const found = useMemo(
    () =>
      [...agents.values()].flatMap((agent) => {
        const why = wants(agent);
        return why === null ? [] : [{ agent, why }];
      }),
    [agents],
  );
  return (
    <Panel
      title="Needs attention"
      flush
      aside={
        <Link href="/alerts" className="small">
          Alerts
        </Link>
      }
    >
      {found.length + open.length === 0 ? (
        <p className="pad all-well">
          <Glyph shape="check" size={14} /> Nothing does.
        </p>
      ) : (
        <ul className="lines live">
          {open.slice(0, SHOWN).map((alert) => (
            <li key={alert.id} className="attention-line">
              <Link href="/alerts" className="clip">
                {alert.title}
              </Link>
              <span className="small soft">
                <When iso={alert.since} as="ago" />
              </span>
            </li>
          ))}
          {found.slice(0, SHOWN).map(({ agent, why }) => (
            <li key={agent.name} className="attention-line">
              <span className="clip">
                <Link href={agentPath(agent.name)}>{agent.name}</Link>{" "}
                <span className="soft">{why}</span>
              </span>
              {agent.suspect || agent.status === "error" ? (
                <AgentBadge status={agent.status} suspect={agent.suspect} />
              ) : (
                <HealthBadge health={agent.health} />
              )}
            </li>
          ))}
          {found.length > SHOWN ? (
            <li className="pad small">
              <Link href="/fleet?health=critical">and {found.length - SHOWN} more</Link>
            </li>
          ) : null}
        </ul>
      )}
    </Panel>
  );
}
