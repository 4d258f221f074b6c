/** Every task there is: filtered and sorted by the server, drawn where it is looked at, acted on in bulk. */
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import type { Task } from "../../api/types";
import { plural } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { taskPath } from "../../routes";
import { useShell } from "../../shell/context";
import { Empty, Fault, Loading } from "../../ui/empty";
import { DataTable } from "../../ui/table";
import { BulkBar } from "./bulk";
import { COLUMNS } from "./columns";
import { isEmpty, NO_FILTER, toQuery, useFilter, write } from "./filter";
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
  // Rows of the stream are fresher than those of the list; what did not change stays the same record.
  const fresh = useRef(new WeakMap<Task, { by: Task; row: Task }>());
  const freshened = (row: Task | undefined) => {
    const by = row && live.get(row.id);
    if (!row || !by) return row;
    const known = fresh.current.get(row);
    if (known?.by === by) return known.row;
    const made = { ...row, ...by };
    fresh.current.set(row, { by, row: made });
    return made;
  };
  const descending = filter.sort.startsWith("-");
  return (
    <div className="tasks-view">
      <div className="view-head">
        <h1>Tasks</h1>
        <span className="soft num" aria-live="polite">
          {pages.isFirst ? "" : `${plural(pages.total, "task")}${isEmpty(filter) ? "" : " match"}`}
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
      {pages.isFirst ? (
        pages.error ? (
          <Fault error={pages.error} retry={pages.again} />
        ) : (
          <Loading what="tasks" />
        )
      ) : (
        <section className="panel tasks-list">
          <DataTable
            label="Tasks"
            fill
            sparse={{
              total: pages.total,
              at: (index) => freshened(pages.at(index)),
              here: pages.here,
              need: pages.need,
            }}
            columns={COLUMNS}
            keyOf={(task) => task.id}
            onOpen={(task) => navigate(taskPath(task.id))}
            choice={{ chosen, onChoose: setChosen }}
            sorting={[{ id: filter.sort.replace("-", ""), desc: descending }]}
            onSorting={([first]) =>
              first && change({ sort: `${first.desc ? "-" : ""}${first.id}` })
            }
            about={write(filter).toString()}
            busy={pages.isBusy}
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
          {pages.error ? (
            <p className="small faint tasks-foot" role="alert">
              The list could not be loaded anew; this is what was there.
            </p>
          ) : null}
        </section>
      )}
    </div>
  );
}
