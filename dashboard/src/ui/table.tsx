/**
 * A table of any length: a real header with `aria-sort`, rows drawn only where they are looked at,
 * a cursor for `j` and `k`, and a selection for `x`.
 */
import {
  type ColumnDef,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  type Row,
  type RowData,
  type SortingState,
  useReactTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
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
/** As many rows as a browser can scroll through: nothing is higher than 33 million pixels. */
const MOST_ROWS = 800_000;

/** A list of which only a part is here: who scrolls says what is looked at. */
export interface Sparse<T> {
  total: number;
  at: (index: number) => T | undefined;
  here: () => T[];
  need: (first: number, last: number) => void;
}

export interface Choice {
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

export function DataTable<T>({
  label,
  rows = [],
  sparse,
  columns,
  keyOf,
  onOpen,
  choice,
  sorting,
  onSorting,
  about,
  busy = false,
  empty,
  fill = false,
}: {
  label: string;
  rows?: readonly T[];
  /** In place of the rows, where not all of them are here. */
  sparse?: Sparse<T>;
  columns: Column<T>[];
  keyOf: (row: T) => string;
  onOpen?: (row: T) => void;
  choice?: Choice;
  /** Given by who sorts on the server; without it, the rows are sorted here. */
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
  /** What the list is of; when it changes, the list is shown from its top. */
  about?: string;
  /** What is shown is about to be replaced. */
  busy?: boolean;
  empty?: ReactNode;
  /** Take the height that is left rather than that of the rows. */
  fill?: boolean;
}) {
  const [own, setOwn] = useState<SortingState>([]);
  const [cursor, setCursor] = useState(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = sorting ?? own;
  const many = sparse ? Math.min(sparse.total, MOST_ROWS) : rows.length;
  const virtual = useVirtualizer({
    count: many,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const seen = sparse
    ? items.map((item) => sparse.at(item.index)).filter((row) => row !== undefined)
    : rows;
  const table = useReactTable<T>({
    data: seen as T[],
    columns,
    getRowId: (row) => keyOf(row),
    state: { sorting: sorted },
    manualSorting: sorting !== undefined,
    manualPagination: true, // or each new list of rows would draw the table twice
    enableSortingRemoval: false,
    onSortingChange: (update) => {
      const next = typeof update === "function" ? update(sorted) : update;
      if (onSorting) onSorting(next);
      else setOwn(next);
    },
    getCoreRowModel: getCoreRowModel(),
    ...(sorting === undefined ? { getSortedRowModel: getSortedRowModel() } : {}),
  });
  const model = table.getRowModel();
  const shownAt = (index: number): Row<T> | undefined => {
    if (!sparse) return model.rows[index];
    const row = sparse.at(index);
    return row === undefined ? undefined : model.rowsById[keyOf(row)];
  };
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const need = sparse?.need;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a list that has grown has more to show
  useEffect(() => need?.(first, last), [need, first, last, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list begins at its top
  useLayoutEffect(() => {
    scroller.current?.scrollTo(0, 0);
    setCursor(-1);
  }, [about]);

  const toggle = (key: string) => {
    if (!choice) return;
    const after = new Set(choice.chosen);
    if (!after.delete(key)) after.add(key);
    choice.onChoose(after);
  };
  useListKeys((heard) => {
    const here = sparse ? sparse.at(cursor) : model.rows[cursor]?.original;
    if (heard.kind === "move") {
      const to = Math.max(0, Math.min(many - 1, cursor + heard.by));
      setCursor(to);
      virtual.scrollToIndex(to, { align: "auto" });
    } else if (here && heard.kind === "select") toggle(keyOf(here));
    else if (here && heard.kind === "open") onOpen?.(here);
  });
  const latest = useRef({ toggle, onOpen });
  latest.current = { toggle, onOpen };
  const [acts] = useState(() => ({
    toggle: (key: string) => latest.current.toggle(key),
    open: (row: T) => latest.current.onOpen?.(row),
    point: setCursor,
  }));

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const keysHere = () => (sparse ? sparse.here() : rows).map(keyOf);
  const allChosen =
    choice !== undefined &&
    choice.chosen.size > 0 &&
    keysHere().every((key) => choice.chosen.has(key));
  return (
    <section
      ref={scroller}
      className={fill ? "data-table fill" : "data-table"}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      aria-label={label}
      aria-busy={busy}
      onKeyDown={(event) => {
        // The browser would take half a second to glide there.
        if (event.key !== "Home" && event.key !== "End") return;
        event.preventDefault();
        const top = event.key === "Home" ? 0 : event.currentTarget.scrollHeight;
        event.currentTarget.scrollTo({ top, behavior: "instant" });
      }}
    >
      <table aria-rowcount={many + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {choice ? (
                <th className="choose">
                  <input
                    type="checkbox"
                    aria-label="Select every row that is loaded"
                    checked={allChosen}
                    onChange={() => choice.onChoose(new Set(allChosen ? [] : keysHere()))}
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
            const row = shownAt(item.index);
            if (row === undefined)
              return (
                <tr key={item.key} className="coming" aria-rowindex={item.index + 2}>
                  <td colSpan={columns.length + (choice ? 1 : 0)}>
                    <span className="unseen">Loading …</span>
                  </td>
                </tr>
              );
            return (
              <Line
                key={item.key}
                row={row}
                index={item.index}
                isHere={item.index === cursor}
                isChosen={choice ? choice.chosen.has(row.id) : undefined}
                opens={onOpen !== undefined}
                acts={acts}
              />
            );
          })}
          {after > 0 ? (
            <tr className="spacer">
              <td className="space" style={{ height: after }} />
            </tr>
          ) : null}
        </tbody>
      </table>
      {many === 0 ? empty : null}
    </section>
  );
}

interface LineProps<T> {
  row: Row<T>;
  index: number;
  isHere: boolean;
  /** Undefined where nothing can be chosen. */
  isChosen: boolean | undefined;
  opens: boolean;
  acts: {
    toggle: (key: string) => void;
    open: (row: T) => void;
    point: (index: number) => void;
  };
}

/** One row; drawn anew only when what it shows is another. */
const Line = memo(LineOf, (before, after) => {
  const { row: old, ...was } = before;
  const { row, ...is } = after;
  return (
    old.original === row.original &&
    (Object.keys(is) as (keyof typeof is)[]).every((name) => is[name] === was[name])
  );
}) as typeof LineOf;

function LineOf<T>({ row, index, isHere, isChosen, opens, acts }: LineProps<T>) {
  return (
    <tr
      aria-rowindex={index + 2}
      data-cursor={isHere || undefined}
      data-chosen={isChosen || undefined}
      data-row={row.id}
      className={opens ? "opens" : ""}
      onClick={(event) => {
        acts.point(index);
        if (!(event.target as Element).closest("a, button, input, label")) acts.open(row.original);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) acts.open(row.original);
      }}
    >
      {isChosen === undefined ? null : (
        <td className="choose">
          <input
            type="checkbox"
            aria-label={`Select ${row.id}`}
            checked={isChosen}
            onChange={() => acts.toggle(row.id)}
          />
        </td>
      )}
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
}
