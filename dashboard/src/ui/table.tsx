/**
 * A table of any length: a real header with `aria-sort`, rows drawn only where they are looked at,
 * a cursor for `j` and `k`, and a selection for `x`.
 */
import {
  type ColumnDef,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  type RowData,
  type SortingState,
  useReactTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useListKeys } from "../keyboard/hooks";
import "./table.css";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    numeric?: boolean;
    width?: string;
    /** Left out on narrow screens: 1 goes first. */
    drop?: 1 | 2 | 3;
    _?: [TData, TValue];
  }
}

export type Column<T> = ColumnDef<T>;

const ROW_PX = 40;

export interface Choice {
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

export function DataTable<T>({
  label,
  rows,
  columns,
  keyOf,
  onOpen,
  choice,
  sorting,
  onSorting,
  total,
  onEnd,
  empty,
  fill = false,
}: {
  label: string;
  rows: readonly T[];
  columns: Column<T>[];
  keyOf: (row: T) => string;
  onOpen?: (row: T) => void;
  choice?: Choice;
  /** Given by who sorts on the server; without it, the rows are sorted here. */
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
  /** How many there are in all, where not all of them are here yet. */
  total?: number;
  /** The last rows are in sight. */
  onEnd?: () => void;
  empty?: ReactNode;
  /** Take the height that is left rather than that of the rows. */
  fill?: boolean;
}) {
  const [own, setOwn] = useState<SortingState>([]);
  const [cursor, setCursor] = useState(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = sorting ?? own;
  const table = useReactTable<T>({
    data: rows as T[],
    columns,
    getRowId: (row) => keyOf(row),
    state: { sorting: sorted },
    manualSorting: sorting !== undefined,
    enableSortingRemoval: false,
    onSortingChange: (update) => {
      const next = typeof update === "function" ? update(sorted) : update;
      if (onSorting) onSorting(next);
      else setOwn(next);
    },
    getCoreRowModel: getCoreRowModel(),
    ...(sorting === undefined ? { getSortedRowModel: getSortedRowModel() } : {}),
  });
  const shown = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd && last >= shown.length - 30) onEnd();
  }, [last, shown.length, onEnd]);

  const toggle = (key: string) => {
    if (!choice) return;
    const after = new Set(choice.chosen);
    if (!after.delete(key)) after.add(key);
    choice.onChoose(after);
  };
  useListKeys((heard) => {
    const here = shown[cursor];
    if (heard.kind === "move") {
      const to = Math.max(0, Math.min(shown.length - 1, cursor + heard.by));
      setCursor(to);
      virtual.scrollToIndex(to, { align: "auto" });
    } else if (here && heard.kind === "select") toggle(here.id);
    else if (here && heard.kind === "open") onOpen?.(here.original);
  });

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const allChosen =
    choice !== undefined && shown.length > 0 && shown.every((row) => choice.chosen.has(row.id));
  return (
    <section
      ref={scroller}
      className={fill ? "data-table fill" : "data-table"}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      aria-label={label}
    >
      <table aria-rowcount={(total ?? shown.length) + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {choice ? (
                <th className="choose">
                  <input
                    type="checkbox"
                    aria-label="Select every row that is loaded"
                    checked={allChosen}
                    onChange={() =>
                      choice.onChoose(allChosen ? new Set() : new Set(shown.map((row) => row.id)))
                    }
                  />
                </th>
              ) : null}
              {group.headers.map((header) => {
                const meta = header.column.columnDef.meta;
                const direction = header.column.getIsSorted();
                const title = flexRender(header.column.columnDef.header, header.getContext());
                return (
                  <th
                    key={header.id}
                    className={`${meta?.numeric ? "num" : ""} ${meta?.drop ? `drop${meta.drop}` : ""}`}
                    style={meta?.width ? { width: meta.width } : {}}
                    aria-sort={
                      direction === "asc"
                        ? "ascending"
                        : direction === "desc"
                          ? "descending"
                          : undefined
                    }
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="sorter"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        {title}
                        <span aria-hidden="true">
                          {direction === "asc" ? " ↑" : direction === "desc" ? " ↓" : ""}
                        </span>
                      </button>
                    ) : (
                      title
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody className="live">
          {before > 0 ? (
            <tr className="spacer">
              <td className="space" style={{ height: before }} />
            </tr>
          ) : null}
          {items.map((item) => {
            const row = shown[item.index];
            if (row === undefined) return null;
            const isChosen = choice?.chosen.has(row.id) ?? false;
            return (
              <tr
                key={row.id}
                aria-rowindex={item.index + 2}
                data-cursor={item.index === cursor || undefined}
                data-chosen={isChosen || undefined}
                data-row={row.id}
                className={onOpen ? "opens" : ""}
                onClick={(event) => {
                  setCursor(item.index);
                  if (!onOpen || (event.target as Element).closest("a, button, input, label"))
                    return;
                  onOpen(row.original);
                }}
                onKeyDown={(event) => {
                  if (event.key === "Enter" && event.target === event.currentTarget)
                    onOpen?.(row.original);
                }}
              >
                {choice ? (
                  <td className="choose">
                    <input
                      type="checkbox"
                      aria-label={`Select ${row.id}`}
                      checked={isChosen}
                      onChange={() => toggle(row.id)}
                    />
                  </td>
                ) : null}
                {row.getVisibleCells().map((cell) => {
                  const meta = cell.column.columnDef.meta;
                  return (
                    <td
                      key={cell.id}
                      className={`${meta?.numeric ? "num" : ""} ${meta?.drop ? `drop${meta.drop}` : ""}`}
                    >
                      {flexRender(cell.column.columnDef.cell, cell.getContext())}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {after > 0 ? (
            <tr className="spacer">
              <td className="space" style={{ height: after }} />
            </tr>
          ) : null}
        </tbody>
      </table>
      {shown.length === 0 ? empty : null}
    </section>
  );
}
