/** Monitoring, notifications, copies and history, as parts of the form of a plan. */
import type { Json } from "../../api/types";
import { titled } from "../../format/words";
import { Icon } from "../../ui/icon";
import { CheckField, type Part, PickField, Section, TextField, WordsField } from "./fields";
import type { Step } from "./paths";

const SEVERITIES = ["info", "warning", "critical"];
/** As `AlertWhen` of the coordinator; what is not here can be written in the JSON. */
const WHENS = [
  "agent_offline",
  "agent_unhealthy",
  "agent_conflict",
  "task_failed",
  "task_waiting",
  "task_impossible",
  "limit_saturated",
  "error_budget",
  "store_trouble",
  "bus_trouble",
  "coordinator_gone",
  "plan_refused",
  "backup_failed",
];

function named(document: Json, ...path: string[]): readonly string[] {
  let at: unknown = document;
  for (const step of path) at = (at as Json | undefined)?.[step];
  return Object.keys((at ?? {}) as Json);
}

/** The first name of a kind that is not taken. */
function fresh(stem: string, taken: readonly string[]): string {
  let number = taken.length + 1;
  while (taken.includes(`${stem}_${number}`)) number += 1;
  return `${stem}_${number}`;
}

function TakeOut({ part, path }: { part: Part; path: readonly Step[] }) {
  return (
    <button
      type="button"
      className="button small danger align-start"
      disabled={part.disabled}
      onClick={() => part.set(path, undefined)}
    >
      Take out of the plan
    </button>
  );
}

function Rule({ part, name, whens }: { part: Part; name: string; whens: readonly string[] }) {
  const at = (key: string) => ["monitoring", "alerts", name, key];
  return (
    <fieldset className="form-window">
      <legend>{titled(name)}</legend>
      <div className="pair">
        <PickField part={part} path={at("when")} label="When" options={whens} otherwise="" />
        <TextField part={part} path={at("after")} label="For at least" type="span" />
        <PickField
          part={part}
          path={at("severity")}
          label="Severity"
          options={SEVERITIES}
          otherwise="warning"
        />
      </div>
      <WordsField part={part} path={at("notify")} label="Told through (empty: every channel)" />
      <CheckField part={part} path={at("enabled")} label="In force" otherwise />
      <TakeOut part={part} path={["monitoring", "alerts", name]} />
    </fieldset>
  );
}

function ChannelPart({ part, name }: { part: Part; name: string }) {
  const at = (key: string) => ["notifications", "channels", name, key];
  return (
    <fieldset className="form-window">
      <legend>{titled(name)}</legend>
      <div className="pair">
        <TextField part={part} path={at("url_env")} label="From variable" />
        <TextField part={part} path={at("url_file")} label="Or from file" />
        <PickField
          part={part}
          path={at("min_severity")}
          label="Takes, and worse"
          options={SEVERITIES}
          otherwise="warning"
        />
      </div>
      <CheckField part={part} path={at("enabled")} label="In use" otherwise />
      <TakeOut part={part} path={["notifications", "channels", name]} />
    </fieldset>
  );
}

export function UpkeepParts({ part }: { part: Part }) {
  const rules = named(part.document, "monitoring", "alerts");
  const channels = named(part.document, "notifications", "channels");
  const thresholds = named(part.document, "monitoring", "thresholds");
  const used = rules.map((name) => {
    const alerts = (part.document.monitoring as Json).alerts as Record<string, Json>;
    return String(alerts[name]?.when ?? "");
  });
  const whens = [...new Set([...WHENS, ...used])];
  return (
    <>
      <Section title="Monitoring" many={rules.length}>
        <div className="pair">
          {thresholds.map((key) => (
            <TextField
              key={key}
              part={part}
              path={["monitoring", "thresholds", key]}
              label={titled(key)}
              type="number"
            />
          ))}
        </div>
        {rules.map((name) => (
          <Rule key={name} part={part} name={name} whens={whens} />
        ))}
        <button
          type="button"
          className="button small align-start"
          disabled={part.disabled}
          onClick={() =>
            part.set(["monitoring", "alerts", fresh("rule", rules)], { when: "agent_offline" })
          }
        >
          <Icon name="plus" size={14} /> Alert
        </button>
      </Section>
      <Section title="Notifications" many={channels.length}>
        {channels.map((name) => (
          <ChannelPart key={name} part={part} name={name} />
        ))}
        <button
          type="button"
          className="button small align-start"
          disabled={part.disabled}
          onClick={() =>
            part.set(["notifications", "channels", fresh("channel", channels)], {
              url_env: "FLEET_ALERTS",
            })
          }
        >
          <Icon name="plus" size={14} /> Channel
        </button>
        <div className="pair">
          <TextField
            part={part}
            path={["notifications", "repeat_after"]}
            label="Told again after"
            type="span"
          />
          <TextField
            part={part}
            path={["notifications", "quiet_hours", "start"]}
            label="Quiet from"
            type="time"
          />
          <TextField
            part={part}
            path={["notifications", "quiet_hours", "end"]}
            label="Quiet until"
            type="time"
          />
        </div>
      </Section>
      <Section title="Copies and history" closed>
        <div className="pair">
          <TextField part={part} path={["backup", "interval"]} label="A copy every" type="span" />
          <TextField part={part} path={["backup", "keep"]} label="Copies kept" type="number" />
          <TextField part={part} path={["retention", "tasks"]} label="Tasks kept for" type="span" />
          <TextField
            part={part}
            path={["retention", "events"]}
            label="Events kept for"
            type="span"
          />
          <TextField
            part={part}
            path={["retention", "metrics"]}
            label="Metrics kept for"
            type="span"
          />
        </div>
      </Section>
    </>
  );
}
