/** The home of the control room: what runs, what waits and why, what is full, what needs a hand, what comes next. */
import { Link } from "wouter";
import { useFleet } from "../../live/hooks";
import { useShell } from "../../shell/context";
import { Empty, Loading } from "../../ui/empty";
import { Attention } from "./attention";
import { Blocked } from "./blocked";
import { FleetSwitch } from "./fleet-switch";
import { LimitBars } from "./limit-bars";
import { Next } from "./next";
import "./now.css";
import { Recent } from "./recent";
import { Running } from "./running";
import { Tiles } from "./tiles";

export default function Now() {
  const summary = useFleet((fleet) => fleet.summary);
  const shell = useShell();
  if (summary === null) return <Loading what="the fleet" />;
  const isNew = summary.total_agents === 0 && summary.total_tasks === 0;
  return (
    <>
      <div className="view-head">
        <h1>Now</h1>
        <span className="soft small">
          Plan <Link href="/plan">v{summary.plan_version}</Link>
          {summary.coordinator.name
            ? ` · ${summary.coordinator.name}, term ${summary.coordinator.term}`
            : ""}
        </span>
        <span className="grow" />
        <FleetSwitch />
      </div>
      {isNew ? (
        <section className="panel">
          <Empty title="No agent has been seen, and no task is known">
            <p>
              Start one of the plan's agents, or any bot that uses <code>agent_client</code>; it
              appears here by itself.
            </p>
            <code>fleetbus agent Main --capability quest</code>
            <p>
              <button type="button" className="button" onClick={() => shell.open("create")}>
                Create a task
              </button>
            </p>
          </Empty>
        </section>
      ) : (
        <div className="stack">
          <Tiles summary={summary} />
          <div className="now-columns">
            <div className="stack">
              <Running />
              <Blocked counts={summary.blocked_by} />
            </div>
            <div className="stack">
              <Attention />
              <LimitBars limits={summary.limits} />
              <Next />
              <Recent />
            </div>
          </div>
        </div>
      )}
    </>
  );
}
