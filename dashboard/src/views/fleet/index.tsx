/** All agents: cards for a few, a heatmap for thousands, and a table of the same; selected ones can be acted on. */
import { useMemo, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { AgentActs } from "../../act/agent-acts";
import { useMay } from "../../api/session";
import type { Agent } from "../../api/types";
import { count, plural } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { agentPath } from "../../routes";
import { useShell } from "../../shell/context";
import { useRemembered } from "../../shell/remembered";
import { Empty, Loading } from "../../ui/empty";
import { AgentTable } from "./agent-table";
import { Cards } from "./cards";
import { FleetFilters } from "./filters";
import "./fleet.css";
import { Heatmap } from "./heatmap";

export const CARDS_AT_MOST = 60;

type Shown = "cards" | "heatmap" | "table";
const NAMES: Readonly<Record<Shown, string>> = {
  cards: "Cards",
  heatmap: "Heatmap",
  table: "Table",
};

function matches(agent: Agent, params: URLSearchParams): boolean {
  const want = (name: string, value: string | null) =>
    !params.get(name) || params.get(name) === value;
  const needle = (params.get("q") ?? "").toLowerCase();
  const status = params.get("status");
  return (
    (!status || (status === "suspect" ? agent.suspect : agent.status === status)) &&
    want("health", agent.health) &&
    want("machine", agent.machine_id) &&
    (!params.get("capability") || agent.capabilities.includes(params.get("capability") ?? "")) &&
    (!needle ||
      agent.name.toLowerCase().includes(needle) ||
      (agent.machine_id ?? "").toLowerCase().includes(needle))
  );
}

export default function Fleet() {
  const agents = useFleet((fleet) => fleet.agents);
  const isKnown = useFleet((fleet) => fleet.seq >= 0);
  const [params, setParams] = useSearchParams();
  const [chosenWay, setWay] = useRemembered<Shown | null>("fleet-shown", null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [, navigate] = useLocation();
  const shell = useShell();
  const may = useMay("operate");
  const text = params.toString();
  const found = useMemo(() => {
    const wanted = new URLSearchParams(text);
    return [...agents.values()]
      .filter((agent) => matches(agent, wanted))
      .sort(
        (a, b) =>
          (a.machine_id ?? "").localeCompare(b.machine_id ?? "") || a.name.localeCompare(b.name),
      );
  }, [agents, text]);
  if (!isKnown) return <Loading what="agents" />;
  const shown: Shown =
    chosenWay === "cards" && found.length > CARDS_AT_MOST
      ? "heatmap"
      : (chosenWay ?? (found.length <= CARDS_AT_MOST ? "cards" : "heatmap"));
  const choose = (name: string) =>
    setChosen((now) => {
      const after = new Set(now);
      if (!after.delete(name)) after.add(name);
      return after;
    });
  const names = [...chosen].filter((name) => agents.has(name));
  return (
    <div className="fleet-view">
      <div className="view-head">
        <h1>Fleet</h1>
        <span className="soft num">
          {found.length === agents.size
            ? plural(agents.size, "agent")
            : `${count(found.length)} of ${plural(agents.size, "agent")}`}
        </span>
        <span className="grow" />
        <div className="segments" role="radiogroup" aria-label="How the fleet is shown">
          {(Object.keys(NAMES) as Shown[]).map((way) => (
            <button
              key={way}
              type="button"
              role="radio"
              aria-checked={shown === way}
              className="button"
              disabled={way === "cards" && found.length > CARDS_AT_MOST}
              title={
                way === "cards" && found.length > CARDS_AT_MOST
                  ? `Cards are for up to ${CARDS_AT_MOST} agents`
                  : undefined
              }
              onClick={() => setWay(way)}
            >
              {NAMES[way]}
            </button>
          ))}
        </div>
        <button
          type="button"
          className="button"
          disabled={!may}
          onClick={() => shell.open("register")}
        >
          Register an agent
        </button>
      </div>
      {agents.size === 0 ? (
        <section className="panel">
          <Empty title="No agent has been seen yet">
            <p>Start one of the plan's agents, or any bot that uses agent_client:</p>
            <code>fleetbus agent Main --capability quest</code>
          </Empty>
        </section>
      ) : (
        <>
          <FleetFilters agents={agents} params={params} setParams={setParams} />
          {names.length ? (
            <section className="bulk" aria-label="Selected agents">
              <strong className="num">{plural(names.length, "agent")} selected</strong>
              <button
                type="button"
                className="button plain small"
                onClick={() => setChosen(new Set(found.map((one) => one.name)))}
              >
                Select all {count(found.length)}
              </button>
              <span className="grow" />
              <AgentActs
                names={names}
                verbs={["cordon", "drain", "maintenance", "return", "unregister"]}
                small
                onDone={() => setChosen(new Set())}
              />
              <button
                type="button"
                className="button plain small"
                onClick={() => setChosen(new Set())}
              >
                Clear
              </button>
            </section>
          ) : null}
          {found.length === 0 ? (
            <section className="panel">
              <Empty title="No agent matches">
                <button type="button" className="button" onClick={() => setParams({})}>
                  Show all agents
                </button>
              </Empty>
            </section>
          ) : shown === "cards" ? (
            <Cards agents={found} chosen={chosen} onChoose={choose} />
          ) : shown === "heatmap" ? (
            <Heatmap
              agents={found}
              chosen={chosen}
              onChoose={choose}
              onOpen={(name) => navigate(agentPath(name))}
              onTable={() => setWay("table")}
            />
          ) : (
            <AgentTable agents={found} chosen={chosen} onChoose={setChosen} />
          )}
        </>
      )}
    </div>
  );
}
