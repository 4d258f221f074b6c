/** Every task there is: filtered and sorted by the server, drawn where it is looked at, acted on in bulk. */
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import type { Task } from "../../api/types";
import { count, plural } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { taskPath } from "../../routes";
import { useShell } from "../../shell/context";
import { Empty, Fault, Loading } from "../../ui/empty";
import { DataTable } from "../../ui/table";
import { BulkBar } from "./bulk";
import { COLUMNS } from "./columns";
import { isEmpty, NO_FILTER, toQuery, useFilter } from "./filter";
import { Filters } from "./filters";
import { useTaskPages } from "./pages";
import "./tasks.css";

export default function Tasks() {
  const [filter, change, replace] = useFilter();
  const pages = useTaskPages(toQuery(filter));
  const live = useFleet((fleet) => fleet.tasks);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [, navigate] = useLocation();
  const shell = useShell();
  // Rows of the stream are fresher than those of the list.
  const rows = useMemo(
    () =>
      pages.rows.map((row) => (live.has(row.id) ? ({ ...row, ...live.get(row.id) } as Task) : row)),
    [pages.rows, live],
  );
  const descending = filter.sort.startsWith("-");
  return (
    <div className="tasks-view">
      <div className="view-head">
        <h1>Tasks</h1>
        <span className="soft num" aria-live="polite">
          {pages.isLoading
            ? ""
            : `${plural(pages.total, "task")}${isEmpty(filter) ? "" : " match"}`}
        </span>
        {pages.hasChanged ? (
          <button type="button" className="button small" onClick={pages.again}>
            The list has changed: show it anew
          </button>
        ) : null}
      </div>
      <Filters filter={filter} change={change} replace={replace} />
      <BulkBar
        chosen={chosen}
        total={pages.total}
        filter={filter}
        onClear={() => setChosen(new Set())}
      />
      {pages.error && rows.length === 0 ? (
        <Fault error={pages.error} retry={pages.again} />
      ) : pages.isLoading ? (
        <Loading what="tasks" />
      ) : (
        <section className="panel tasks-list">
          <DataTable
            label="Tasks"
            fill
            rows={rows}
            columns={COLUMNS}
            keyOf={(task) => task.id}
            onOpen={(task) => navigate(taskPath(task.id))}
            choice={{ chosen, onChoose: setChosen }}
            sorting={[{ id: filter.sort.replace("-", ""), desc: descending }]}
            onSorting={([first]) =>
              first && change({ sort: `${first.desc ? "-" : ""}${first.id}` })
            }
            total={pages.total}
            onEnd={pages.more}
            empty={
              isEmpty(filter) ? (
                <Empty title="There is no task yet">
                  <button
                    type="button"
                    className="button primary"
                    onClick={() => shell.open("create")}
                  >
                    Create a task
                  </button>
                </Empty>
              ) : (
                <Empty title="No task matches">
                  <button type="button" className="button" onClick={() => replace(NO_FILTER)}>
                    Show all tasks
                  </button>
                </Empty>
              )
            }
          />
          <footer className="small faint tasks-foot">
            {count(rows.length)} of {count(pages.total)} loaded
          </footer>
        </section>
      )}
    </div>
  );
}
