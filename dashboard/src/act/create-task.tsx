/** Create a task: the few fields that matter first, the rest behind "More"; faults beside their fields. */
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { tasks } from "../api/endpoints";
import { Problem } from "../api/problem";
import type { Priority, TaskCreation } from "../api/types";
import { useFleet } from "../live/hooks";
import { taskPath } from "../routes";
import { Field } from "../ui/field";
import { Modal } from "../ui/modal";
import { useAct } from "./use-act";

const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low", "maintenance"];

/** The modes that a task may name: what agents can do. */
export function useModes(): readonly string[] {
  const agents = useFleet((fleet) => fleet.agents);
  const byMode = useFleet((fleet) => fleet.summary?.tasks_by_mode);
  return useMemo(() => {
    const modes = new Set(Object.keys(byMode ?? {}));
    for (const agent of agents.values()) for (const one of agent.capabilities ?? []) modes.add(one);
    return [...modes].sort();
  }, [agents, byMode]);
}

function parsed(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return undefined;
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("an object in braces is wanted");
  }
  return value as Record<string, unknown>;
}

export default function CreateTask({ onClose }: { onClose: () => void }) {
  const modes = useModes();
  const names = useFleet((fleet) => fleet.agents);
  const [, navigate] = useLocation();
  const act = useAct();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [jsonFault, setJsonFault] = useState<{ field: string; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID());

  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const number = (name: string) => (text(name) === "" ? undefined : Number(text(name)));
    const body: TaskCreation = {
      name: text("name"),
      mode: text("mode"),
      priority: text("priority") as Priority,
    };
    for (const name of ["args", "constraints", "metadata"] as const) {
      try {
        const value = parsed(text(name));
        if (value) body[name] = value;
      } catch (error) {
        setJsonFault({ field: name, text: String(error instanceof Error ? error.message : error) });
        return;
      }
    }
    setJsonFault(null);
    if (text("agent_name")) body.agent_name = text("agent_name");
    if (text("scheduled_for")) body.scheduled_for = new Date(text("scheduled_for")).toISOString();
    const minutes = number("minutes");
    if (minutes) body.estimated_duration_s = minutes * 60;
    const daily = number("daily_cap");
    if (daily) body.daily_cap = daily;
    const weekly = number("weekly_cap");
    if (weekly) body.weekly_cap = weekly;
    setBusy(true);
    try {
      const made = await act(
        (task) => `Created ${task.name} (${task.id})`,
        "The task was not created",
        () => tasks.create(body, key),
      );
      onClose();
      navigate(form.get("open") === "on" ? taskPath(made.id) : "/tasks");
    } catch (error) {
      setProblem(error instanceof Problem ? error : null);
    } finally {
      setBusy(false);
    }
  };
  const fault = (name: string) =>
    jsonFault?.field === name ? jsonFault.text : (problem?.at(name) ?? undefined);

  return (
    <Modal title="Create a task" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <div className="body stack">
          <Field label="Name" fault={fault("name")}>
            <input
              className="input"
              name="name"
              required
              maxLength={128}
              data-first
              autoComplete="off"
            />
          </Field>
          <div className="pair">
            <Field label="Mode" fault={fault("mode")} hint="What an agent must be able to do">
              <input className="input" name="mode" required list="modes" autoComplete="off" />
            </Field>
            <Field label="Priority" fault={fault("priority")}>
              <select className="input" name="priority" defaultValue="normal">
                {PRIORITIES.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </Field>
          </div>
          <datalist id="modes">
            {modes.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <datalist id="agents">
            {[...names.keys()].slice(0, 500).map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <details className="more-fields">
            <summary>More: agent, time, caps, arguments</summary>
            <div className="stack">
              <div className="pair">
                <Field label="Only agent" fault={fault("agent_name")} hint="Empty: any that can">
                  <input className="input" name="agent_name" list="agents" autoComplete="off" />
                </Field>
                <Field label="Not before" fault={fault("scheduled_for")} hint="In your own zone">
                  <input className="input" name="scheduled_for" type="datetime-local" />
                </Field>
              </div>
              <div className="pair">
                <Field label="Expected minutes" fault={fault("estimated_duration_s")}>
                  <input className="input" name="minutes" type="number" min="0" step="any" />
                </Field>
                <Field label="Daily cap" fault={fault("daily_cap")}>
                  <input className="input" name="daily_cap" type="number" min="1" />
                </Field>
                <Field label="Weekly cap" fault={fault("weekly_cap")}>
                  <input className="input" name="weekly_cap" type="number" min="1" />
                </Field>
              </div>
              <Field label="Arguments, as JSON" fault={fault("args")}>
                <textarea
                  className="input mono"
                  name="args"
                  placeholder='{"seconds": 5}'
                  spellCheck={false}
                />
              </Field>
              <Field label="Constraints, as JSON" fault={fault("constraints")}>
                <textarea
                  className="input mono"
                  name="constraints"
                  placeholder='{"time_window": "peak_hours"}'
                  spellCheck={false}
                />
              </Field>
              <Field label="Metadata, as JSON" fault={fault("metadata")}>
                <textarea className="input mono" name="metadata" spellCheck={false} />
              </Field>
            </div>
          </details>
          {problem && problem.errors.length === 0 ? (
            <p className="fault-line" role="alert">
              {problem.message}
            </p>
          ) : null}
        </div>
        <footer>
          <label className="row small soft grow">
            <input type="checkbox" name="open" /> Open it afterwards
          </label>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {busy ? "Storing …" : "Create"}
          </button>
        </footer>
      </form>
    </Modal>
  );
}
