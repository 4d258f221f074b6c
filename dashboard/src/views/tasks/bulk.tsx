/** Acts on the rows that are selected, or on all that match: counted and named before anything is done. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ReasonDialog } from "../../act/reason";
import { TASK_VERBS } from "../../act/task-acts";
import { useAct } from "../../act/use-act";
import { tasks } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { ActsAnswer, Json, TaskVerb } from "../../api/types";
import { count, plural } from "../../format/numbers";
import { Fault, Loading } from "../../ui/empty";
import { type Filter, isEmpty, toBody } from "./filter";

type Which = { ids: string[] } | { filter: Json };

const VERBS: readonly TaskVerb[] = ["pause", "resume", "retry", "cancel"];

function Preview({ answer, verb }: { answer: ActsAnswer; verb: TaskVerb }) {
  return (
    <div className="stack tight">
      <p>
        <strong>{plural(answer.done, "task")}</strong> would be {TASK_VERBS[verb].done}
        {answer.skipped
          ? `; ${count(answer.skipped)} of ${count(answer.matched)} are left alone, because their status does not allow it`
          : ""}
        .
      </p>
      <p className="small soft">
        {Object.entries(answer.by_status)
          .map(([status, many]) => `${count(many)} ${status}`)
          .join(", ")}
      </p>
      {answer.first.length ? (
        <ul className="small preview-names">
          {answer.first.slice(0, 6).map((name, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: names repeat, and the list never changes
            <li key={index} className="clip">
              {name}
            </li>
          ))}
          {answer.done > 6 ? <li className="faint">and {count(answer.done - 6)} more</li> : null}
        </ul>
      ) : null}
    </div>
  );
}

function BulkDialog({
  verb,
  which,
  onClose,
  onDone,
}: {
  verb: TaskVerb;
  which: Which;
  onClose: () => void;
  onDone: () => void;
}) {
  const act = useAct();
  const preview = useQuery({
    queryKey: ["bulk-preview", verb, which],
    queryFn: () => tasks.actOnMany(verb, "preview", which, true),
    staleTime: 0,
    gcTime: 0,
  });
  return (
    <ReasonDialog
      title={`${TASK_VERBS[verb].name} many tasks`}
      confirm={
        preview.data
          ? `${TASK_VERBS[verb].name} ${plural(preview.data.done, "task")}`
          : TASK_VERBS[verb].name
      }
      danger={TASK_VERBS[verb].danger}
      disabled={!preview.data || preview.data.done === 0}
      onClose={onClose}
      onConfirm={async ({ reason }) => {
        await act<ActsAnswer>(
          (answer) =>
            `${plural(answer.done, "task")} ${TASK_VERBS[verb].done}${answer.refused.length ? `; ${answer.refused.length} refused` : ""}`,
          "Nothing was done",
          () => tasks.actOnMany(verb, reason, which, false),
        );
        onDone();
      }}
    >
      {preview.isPending ? (
        <Loading what="what that would do" />
      ) : preview.error ? (
        <Fault error={preview.error} />
      ) : preview.data ? (
        <Preview answer={preview.data} verb={verb} />
      ) : null}
    </ReasonDialog>
  );
}

export function BulkBar({
  chosen,
  total,
  filter,
  onClear,
}: {
  chosen: ReadonlySet<string>;
  total: number;
  filter: Filter;
  onClear: () => void;
}) {
  const [verb, setVerb] = useState<TaskVerb | null>(null);
  const [all, setAll] = useState(false);
  const may = useMay("operate");
  if (chosen.size === 0 && verb === null) return null;
  const which: Which = all ? { filter: toBody(filter) } : { ids: [...chosen] };
  const canAll = filter.blocked_by === "" && total > chosen.size;
  return (
    <section className="bulk" aria-label="Selected tasks">
      <strong className="num">
        {all
          ? `All ${count(total)}${isEmpty(filter) ? "" : " that match"}`
          : `${count(chosen.size)} selected`}
      </strong>
      {canAll ? (
        <button type="button" className="button plain small" onClick={() => setAll(!all)}>
          {all
            ? `Only the ${count(chosen.size)} selected`
            : `Select all ${count(total)}${isEmpty(filter) ? "" : " that match"}`}
        </button>
      ) : null}
      <span className="grow" />
      {VERBS.map((one) => (
        <button
          key={one}
          type="button"
          className={`button small ${TASK_VERBS[one].danger ? "danger" : ""}`}
          disabled={!may}
          onClick={() => setVerb(one)}
        >
          {TASK_VERBS[one].name} …
        </button>
      ))}
      <button
        type="button"
        className="button plain small"
        onClick={() => {
          setAll(false);
          onClear();
        }}
      >
        Clear
      </button>
      {verb ? (
        <BulkDialog
          verb={verb}
          which={which}
          onClose={() => setVerb(null)}
          onDone={() => {
            setAll(false);
            onClear();
          }}
        />
      ) : null}
    </section>
  );
}
