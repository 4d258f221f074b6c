/** Figures by agent or by mode, sortable. */
import { Link } from "wouter";
import type { Figures } from "../../api/types";
import { count } from "../../format/numbers";
import { duration } from "../../format/time";
import { plain } from "../../format/words";
import { agentPath } from "../../routes";
import { type Column, DataTable } from "../../ui/table";

const share = (value: number | null) => (value === null ? "–" : `${Math.round(100 * value)} %`);
const time = (value: number | null) => (value === null ? "–" : duration(value));

function columns(what: string, isAgent: boolean): Column<Figures>[] {
  const number = (
    id: keyof Figures,
    header: string,
    show: (value: number | null) => string,
    drop?: 1 | 2 | 3,
  ): Column<Figures> => ({
    id,
    header,
    accessorFn: (row) => (row[id] as number | null) ?? -1,
    meta: { numeric: true, width: "104px", ...(drop ? { drop } : {}) },
    cell: ({ row }) => show(row.original[id] as number | null),
  });
  return [
    {
      id: "key",
      accessorKey: "key",
      header: what,
      cell: ({ row }) =>
        isAgent ? (
          <Link href={agentPath(row.original.key)}>{row.original.key}</Link>
        ) : (
          plain(row.original.key)
        ),
    },
    number("runs", "Ended", (value) => count(value ?? 0), 3),
    number("failed", "Failed", (value) => count(value ?? 0)),
    number("failure_rate", "Share", share),
    ...(isAgent ? [number("utilisation", "In use", share, 3)] : []),
    number("ran_s", "Ran", time, 2),
    number("wait_p50_s", "Wait p50", time, 2),
    number("wait_p95_s", "Wait p95", time, 2),
    number("run_p50_s", "Run p50", time, 1),
    number("run_p95_s", "Run p95", time, 1),
  ];
}

const OF_AGENTS = columns("Agent", true);
const OF_MODES = columns("Mode", false);

export function FiguresTable({
  rows,
  what,
  isAgent = false,
}: {
  rows: readonly Figures[];
  what: string;
  isAgent?: boolean;
}) {
  return (
    <DataTable
      label={`Figures by ${what.toLowerCase()}`}
      rows={rows}
      columns={isAgent ? OF_AGENTS : OF_MODES}
      keyOf={(row) => row.key}
    />
  );
}
