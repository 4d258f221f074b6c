/** Register an agent that will speak HTTP; a bot that speaks MQTT registers itself. */
import { useState } from "react";
import { useLocation } from "wouter";
import { agents } from "../api/endpoints";
import { Problem } from "../api/problem";
import { agentPath } from "../routes";
import { Field } from "../ui/field";
import { Modal } from "../ui/modal";
import { useAct } from "./use-act";

export default function RegisterAgent({ onClose }: { onClose: () => void }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [, navigate] = useLocation();
  const act = useAct();
  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    setBusy(true);
    try {
      await act(`Registered ${text("name")}`, "The agent was not registered", () =>
        agents.register({
          name: text("name"),
          machine_id: text("machine_id"),
          window_id: text("window_id"),
          capabilities: text("capabilities")
            .split(/[\s,]+/)
            .filter(Boolean),
        }),
      );
      onClose();
      navigate(agentPath(text("name")));
    } catch (error) {
      setProblem(error instanceof Problem ? error : null);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal title="Register an agent" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <div className="body stack">
          <p className="soft">
            A bot that uses <code>agent_client</code> registers itself. This is for one that will
            send its heartbeats over HTTP; until it does, it is shown offline.
          </p>
          <Field label="Name" fault={problem?.at("name")}>
            <input
              className="input"
              name="name"
              required
              maxLength={64}
              data-first
              autoComplete="off"
            />
          </Field>
          <div className="pair">
            <Field label="Machine" fault={problem?.at("machine_id")}>
              <input className="input" name="machine_id" required autoComplete="off" />
            </Field>
            <Field label="Window" fault={problem?.at("window_id")}>
              <input className="input" name="window_id" required autoComplete="off" />
            </Field>
          </div>
          <Field
            label="Capabilities"
            hint="Words with commas between, such as quest, combat"
            fault={problem?.at("capabilities")}
          >
            <input className="input" name="capabilities" autoComplete="off" />
          </Field>
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {busy ? "Storing …" : "Register"}
          </button>
        </footer>
      </form>
    </Modal>
  );
}
