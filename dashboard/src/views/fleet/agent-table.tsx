/** The fleet as a table: the twin of cards and heatmap for reading, sorting and screen readers. */
import { Link, useLocation } from "wouter";
import type { Agent } from "../../api/types";
import { figure } from "../../format/numbers";
import { plain } from "../../format/words";
import { agentPath } from "../../routes";
import { AgentBadge, HealthBadge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/table";
import { When } from "../../ui/when";

const metric = (name: string, header: string): Column<Agent> => ({
  id: name,
  header,
  accessorFn: (agent) => agent.performance_metrics[name] ?? -1,
  meta: { numeric: true, width: "86px", drop: 1 },
  cell: ({ row }) => {
    const value = row.original.performance_metrics[name];
    return value === undefined ? <span className="faint">–</span> : figure(value);
  },
});

const COLUMNS: Column<Agent>[] = [
  {
    id: "name",
    accessorKey: "name",
    header: "Agent",
    cell: ({ row }) => <Link href={agentPath(row.original.name)}>{row.original.name}</Link>,
  },
  {
    id: "status",
    header: "Status",
    accessorFn: (agent) => (agent.suspect ? "suspect" : agent.status),
    meta: { width: "140px" },
    cell: ({ row }) => <AgentBadge status={row.original.status} suspect={row.original.suspect} />,
  },
  {
    id: "health",
    accessorKey: "health",
    header: "Health",
    meta: { width: "120px", drop: 3 },
    cell: ({ row }) => <HealthBadge health={row.original.health} />,
  },
  {
    id: "mode",
    header: "Mode",
    accessorFn: (agent) => agent.current_mode ?? "",
    meta: { width: "120px", drop: 2 },
    cell: ({ row }) =>
      row.original.current_mode ? (
        plain(row.original.current_mode)
      ) : (
        <span className="faint">–</span>
      ),
  },
  {
    id: "machine_id",
    header: "Machine",
    accessorFn: (agent) => agent.machine_id ?? "",
    meta: { width: "160px", drop: 2 },
  },
  metric("cpu_usage", "CPU %"),
  metric("memory_usage", "Memory %"),
  {
    id: "error_count",
    accessorKey: "error_count",
    header: "Failed",
    meta: { numeric: true, width: "80px", drop: 1 },
  },
  {
    id: "last_heartbeat",
    header: "Heard",
    accessorFn: (agent) => agent.last_heartbeat ?? "",
    meta: { width: "110px", drop: 3 },
    cell: ({ row }) => <When iso={row.original.last_heartbeat} as="ago" />,
  },
];

export function AgentTable({
  agents,
  chosen,
  onChoose,
}: {
  agents: readonly Agent[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}) {
  const [, navigate] = useLocation();
  return (
    <section className="panel tasks-list">
      <DataTable
        label="Agents"
        fill
        rows={agents}
        columns={COLUMNS}
        keyOf={(agent) => agent.name}
        onOpen={(agent) => navigate(agentPath(agent.name))}
        choice={{ chosen, onChoose }}
      />
    </section>
  );
}
