/** Narrows the fleet by name, status, health, capability and machine; kept in the address. */
import { useMemo } from "react";
import type { Agent } from "../../api/types";

const STATUSES = ["online", "idle", "busy", "suspect", "offline", "error", "maintenance"];
const HEALTHS = ["healthy", "warning", "critical", "unknown"];

export function FleetFilters({
  agents,
  params,
  setParams,
}: {
  agents: ReadonlyMap<string, Agent>;
  params: URLSearchParams;
  setParams: (params: URLSearchParams, options?: { replace: boolean }) => void;
}) {
  const [machines, capabilities] = useMemo(() => {
    const places = new Set<string>();
    const skills = new Set<string>();
    for (const agent of agents.values()) {
      if (agent.machine_id) places.add(agent.machine_id);
      for (const one of agent.capabilities) skills.add(one);
    }
    return [[...places].sort(), [...skills].sort()];
  }, [agents]);
  const set = (name: string, value: string) => {
    const after = new URLSearchParams(params);
    if (value) after.set(name, value);
    else after.delete(name);
    setParams(after, { replace: true });
  };
  const pick = (name: string, label: string, options: readonly string[]) =>
    options.length ? (
      <select
        className="input pick"
        aria-label={label}
        value={params.get(name) ?? ""}
        onChange={(event) => set(name, event.target.value)}
      >
        <option value="">{label}: any</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {one.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    ) : null;
  return (
    <div className="filters">
      <input
        type="search"
        className="input search"
        aria-label="Search agents (/)"
        placeholder="Search name, machine …  ( / )"
        value={params.get("q") ?? ""}
        onChange={(event) => set("q", event.target.value)}
      />
      {pick("status", "Status", STATUSES)}
      {pick("health", "Health", HEALTHS)}
      {pick("capability", "Capability", capabilities)}
      {pick("machine", "Machine", machines)}
    </div>
  );
}
