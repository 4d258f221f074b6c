/** The timeline in words. */
import { Link, useLocation } from "wouter";
import type { Bar } from "../../api/types";
import { duration } from "../../format/time";
import { plain } from "../../format/words";
import { agentPath, taskPath } from "../../routes";
import { type Column, DataTable } from "../../ui/table";
import { When } from "../../ui/when";

function ran(bar: Bar): number {
  return bar.started_at && bar.ended_at
    ? (Date.parse(bar.ended_at) - Date.parse(bar.started_at)) / 1000
    : -1;
}

const COLUMNS: Column<Bar>[] = [
  {
    id: "agent",
    accessorKey: "agent",
    header: "Agent",
    meta: { width: "150px" },
    cell: ({ row }) => <Link href={agentPath(row.original.agent)}>{row.original.agent}</Link>,
  },
  {
    id: "name",
    accessorKey: "name",
    header: "Task",
    cell: ({ row }) => <Link href={taskPath(row.original.task)}>{row.original.name}</Link>,
  },
  {
    id: "mode",
    accessorKey: "mode",
    header: "Mode",
    meta: { width: "130px", drop: 2 },
    cell: ({ row }) => plain(row.original.mode),
  },
  { id: "outcome", accessorKey: "outcome", header: "Outcome", meta: { width: "120px" } },
  {
    id: "started",
    header: "Started",
    accessorFn: (bar) => bar.started_at ?? bar.offered_at,
    meta: { width: "140px", drop: 3 },
    cell: ({ row }) => <When iso={row.original.started_at} />,
  },
  {
    id: "ran",
    header: "Ran for",
    accessorFn: ran,
    meta: { width: "100px", numeric: true, drop: 3 },
    cell: ({ row }) =>
      ran(row.original) < 0 ? <span className="faint">–</span> : duration(ran(row.original)),
  },
];

export function BarTable({ bars }: { bars: readonly Bar[] }) {
  const [, navigate] = useLocation();
  return (
    <section className="panel">
      <DataTable
        label="Attempts"
        rows={bars}
        columns={COLUMNS}
        keyOf={(bar) => `${bar.task} ${bar.fence}`}
        onOpen={(bar) => navigate(taskPath(bar.task))}
      />
    </section>
  );
}
