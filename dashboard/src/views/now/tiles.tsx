/** The fleet in six numbers; each goes to what it counts. */
import { Link } from "wouter";
import type { Agent, Summary } from "../../api/types";
import { count } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { Glyph, type Shape } from "../../ui/glyph";

interface Tile {
  name: string;
  value: number;
  of?: string;
  to: string;
  hue: string;
  shape: Shape;
}

/** How many are suspect and not known to be gone: those are counted as offline already. */
export function suspectOnly(agents: Iterable<Pick<Agent, "suspect" | "status">>): number {
  let many = 0;
  for (const agent of agents) if (agent.suspect && agent.status !== "offline") many += 1;
  return many;
}

export function Tiles({ summary }: { summary: Summary }) {
  const suspects = useFleet((fleet) => suspectOnly(fleet.agents.values()));
  const offline = summary.agents_by_status.offline ?? 0;
  const tiles: readonly Tile[] = [
    {
      name: "Running",
      value: summary.running_tasks,
      of: `${count(summary.busy_agents)} agents busy`,
      to: "/tasks?status=running",
      hue: "blue",
      shape: "play",
    },
    {
      name: "Waiting",
      value: summary.pending_tasks,
      of: `${count(summary.paused_tasks)} paused`,
      to: "/tasks?status=pending",
      hue: "yellow",
      shape: "clock",
    },
    {
      name: "Agents online",
      value: summary.online_agents,
      of: `of ${count(summary.total_agents)}`,
      to: "/fleet",
      hue: "green",
      shape: "disc",
    },
    {
      name: "Lost",
      value: offline + suspects,
      of: suspects ? `${suspects} suspect` : "offline",
      to: "/fleet?status=offline",
      hue: offline + suspects ? "orange" : "grey",
      shape: "cross",
    },
    {
      name: "Completed",
      value: summary.completed_tasks,
      of: `of ${count(summary.total_tasks)} tasks`,
      to: "/tasks?status=completed",
      hue: "green",
      shape: "check",
    },
    {
      name: "Failed",
      value: summary.failed_tasks,
      of: `${count(summary.cancelled_tasks)} cancelled`,
      to: "/tasks?status=failed",
      hue: summary.failed_tasks ? "vermillion" : "grey",
      shape: "cross",
    },
  ];
  return (
    <ul className="tiles">
      {tiles.map((tile) => (
        <li key={tile.name}>
          <Link href={tile.to} className={`tile live ${tile.hue}`}>
            <span className="tile-name">
              <Glyph shape={tile.shape} /> {tile.name}
            </span>
            <strong className="num">{count(tile.value)}</strong>
            <span className="faint small">{tile.of}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
