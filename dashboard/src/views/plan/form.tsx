/** The parts of a plan that are changed most, as a form; everything else is in the JSON beside it. */
import type { Json } from "../../api/types";
import { titled } from "../../format/words";
import { Icon } from "../../ui/icon";
import { CheckField, type Part, PickField, Section, TextField, WordsField } from "./fields";
import { lookUp } from "./paths";
import { UpkeepParts } from "./upkeep";

const PRIORITIES = ["critical", "high", "normal", "low", "maintenance"];
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function AgentPart({ part, index, name }: { part: Part; index: number; name: string }) {
  const at = (key: string) => ["agents", index, key];
  const hasFault = part.problems.some((problem) => problem.path.startsWith(`agents[${index}]`));
  return (
    <details className="form-agent" open={hasFault || undefined}>
      <summary>
        {name || `agent ${index + 1}`}{" "}
        <span className="faint small">{String(lookUp(part.document, at("mode")) ?? "")}</span>
        {hasFault ? <span className="bad-text small"> problem</span> : null}
      </summary>
      <div className="stack tight form-body">
        <div className="pair">
          <TextField part={part} path={at("name")} label="Name" />
          <TextField part={part} path={at("mode")} label="Mode" />
          <PickField
            part={part}
            path={at("priority")}
            label="Priority"
            options={PRIORITIES}
            otherwise="normal"
          />
        </div>
        <WordsField part={part} path={at("capabilities")} label="Capabilities" />
        <div className="pair">
          <TextField part={part} path={at("machine_id")} label="Machine" />
          <TextField part={part} path={at("window_id")} label="Window" />
        </div>
        <div className="pair">
          <TextField
            part={part}
            path={at("heartbeat_interval")}
            label="Heartbeat, s"
            type="number"
          />
          <TextField
            part={part}
            path={["agents", index, "schedule_preferences", "max_daily_runtime"]}
            label="Hours a day, at most"
            type="number"
          />
        </div>
        <CheckField part={part} path={at("auto_start")} label="Started by itself" />
        <button
          type="button"
          className="button small danger align-start"
          disabled={part.disabled}
          onClick={() => part.set(["agents", index], undefined)}
        >
          Take out of the plan
        </button>
      </div>
    </details>
  );
}

function WindowPart({ part, name }: { part: Part; name: string }) {
  const at = (key: string) => ["schedule_windows", name, key];
  const days = lookUp(part.document, at("days_of_week"));
  const chosen = Array.isArray(days) ? (days as unknown[]) : [0, 1, 2, 3, 4, 5, 6];
  const allDay = lookUp(part.document, at("all_day")) === true;
  return (
    <fieldset className="form-window">
      <legend>{titled(name)}</legend>
      {allDay ? (
        <p className="soft small">All day</p>
      ) : (
        <div className="pair">
          <TextField part={part} path={at("start_time")} label="From" type="time" />
          <TextField part={part} path={at("end_time")} label="Until" type="time" />
          <TextField part={part} path={at("priority_boost")} label="Boost" type="number" />
        </div>
      )}
      <div className="segments" role="group" aria-label={`Days of ${name}`}>
        {DAYS.map((day, number) => (
          <button
            key={day}
            type="button"
            className="button small"
            disabled={part.disabled}
            aria-pressed={chosen.includes(number)}
            onClick={() =>
              part.set(
                at("days_of_week"),
                chosen.includes(number)
                  ? chosen.filter((one) => one !== number)
                  : [...chosen, number].sort(),
              )
            }
          >
            {day}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

export function PlanForm({ document, problems, set, disabled }: Part) {
  const part: Part = { document, problems, set, disabled };
  const agents = Array.isArray(document.agents) ? (document.agents as Json[]) : [];
  const windows = Object.keys((document.schedule_windows ?? {}) as Json);
  const limits = Object.entries((document.global_constraints ?? {}) as Json).filter(
    ([, value]) => typeof value === "number",
  );
  const rules = Object.entries((document.anti_pattern_rules ?? {}) as Record<string, Json>);
  return (
    <div className="form-scroll">
      <Section title="Fleet">
        <div className="pair">
          <TextField part={part} path={["fleet_name"]} label="Name" />
          <TextField part={part} path={["timezone"]} label="Time zone" />
        </div>
        <TextField part={part} path={["description"]} label="Description" />
      </Section>
      <Section title="Limits">
        <div className="pair">
          {limits.map(([key]) => (
            <TextField
              key={key}
              part={part}
              path={["global_constraints", key]}
              label={titled(key)}
              type="number"
            />
          ))}
        </div>
      </Section>
      <Section title="Agents" many={agents.length}>
        {agents.map((agent, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an agent being renamed stays at its place
          <AgentPart key={index} part={part} index={index} name={String(agent.name ?? "")} />
        ))}
        <button
          type="button"
          className="button small align-start"
          disabled={disabled}
          onClick={() =>
            set(["agents", agents.length], {
              name: `Agent${agents.length + 1}`,
              machine_id: "MACHINE",
              window_id: `WINDOW_${agents.length + 1}`,
              mode: "quest",
              capabilities: ["quest"],
              auto_start: false,
            })
          }
        >
          <Icon name="plus" size={14} /> Agent
        </button>
      </Section>
      <Section title="Schedule windows" many={windows.length}>
        {windows.map((name) => (
          <WindowPart key={name} part={part} name={name} />
        ))}
      </Section>
      <Section title="Anti-pattern rules" many={rules.length}>
        {rules.map(([name, rule]) => (
          <fieldset key={name} className="form-window">
            <legend>
              {titled(name)} <span className="faint small">{String(rule.type ?? "")}</span>
            </legend>
            <div className="pair">
              {Object.entries(rule)
                .filter(
                  ([key, value]) =>
                    key !== "type" &&
                    key !== "description" &&
                    (typeof value === "number" || typeof value === "string"),
                )
                .map(([key, value]) => (
                  <TextField
                    key={key}
                    part={part}
                    path={["anti_pattern_rules", name, key]}
                    label={titled(key)}
                    type={typeof value === "number" ? "number" : "text"}
                  />
                ))}
            </div>
          </fieldset>
        ))}
      </Section>
      <UpkeepParts part={part} />
      <p className="faint small pad">Leases, hosts, pools and schedules are in the JSON.</p>
    </div>
  );
}
