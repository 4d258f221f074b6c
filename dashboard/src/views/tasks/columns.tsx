/** The columns of the list of tasks; those that can be sorted are those the server sorts by. */
import { Link } from "wouter";
import type { Task } from "../../api/types";
import { duration } from "../../format/time";
import { plain, reason } from "../../format/words";
import { agentPath, taskPath } from "../../routes";
import { PriorityBadge, TaskBadge } from "../../ui/badge";
import { Meter } from "../../ui/meter";
import type { Column } from "../../ui/table";
import { When } from "../../ui/when";

function Doing({ task }: { task: Task }) {
  if (task.status === "running") {
    if (task.pct === null || task.pct === undefined)
      return <span className="soft">{task.step ?? ""}</span>;
    return (
      <span className="row">
        <Meter
          value={Math.round(task.pct)}
          max={100}
          label={`Progress of ${task.name}`}
          tone="blue"
        />
        <span className="small num">{Math.round(task.pct)} %</span>
        <span className="faint small clip">{task.step}</span>
      </span>
    );
  }
  const code = task.blocked_by?.[0];
  if (task.status === "pending" && code)
    return (
      <span className="soft" title={code}>
        {reason(code)}
      </span>
    );
  if (task.last_error)
    return (
      <span className="soft" title={task.last_error}>
        {task.last_error}
      </span>
    );
  return null;
}

export const COLUMNS: Column<Task>[] = [
  {
    id: "status",
    accessorKey: "status",
    header: "Status",
    meta: { width: "134px" },
    cell: ({ row }) => <TaskBadge status={row.original.status} phase={row.original.phase} />,
  },
  {
    id: "name",
    accessorKey: "name",
    header: "Name",
    cell: ({ row }) => <Link href={taskPath(row.original.id)}>{row.original.name}</Link>,
  },
  {
    id: "mode",
    accessorKey: "mode",
    header: "Mode",
    meta: { width: "112px", drop: 2 },
    cell: ({ row }) => plain(row.original.mode),
  },
  {
    id: "priority",
    accessorKey: "priority",
    header: "Priority",
    meta: { width: "112px", drop: 2 },
    cell: ({ row }) => <PriorityBadge priority={row.original.priority} />,
  },
  {
    id: "agent_name",
    header: "Agent",
    enableSorting: false,
    meta: { width: "108px", drop: 3 },
    cell: ({ row }) =>
      row.original.agent_name ? (
        <Link href={agentPath(row.original.agent_name)}>{row.original.agent_name}</Link>
      ) : (
        <span className="faint">–</span>
      ),
  },
  {
    id: "doing",
    header: "What it does, or why not",
    enableSorting: false,
    meta: { width: "22%", drop: 3 },
    cell: ({ row }) => <Doing task={row.original} />,
  },
  {
    id: "created_at",
    accessorKey: "created_at",
    header: "Created",
    sortDescFirst: true,
    meta: { width: "124px", drop: 1 },
    cell: ({ row }) => <When iso={row.original.created_at} />,
  },
  {
    id: "ran",
    header: "Ran for",
    enableSorting: false,
    meta: { width: "84px", numeric: true, drop: 1 },
    cell: ({ row }) =>
      row.original.actual_duration_s === null || row.original.actual_duration_s === undefined ? (
        <span className="faint">–</span>
      ) : (
        duration(row.original.actual_duration_s)
      ),
  },
];
