/** What can be done to one task, as buttons: those that its status allows. */
import { useState } from "react";
import { tasks } from "../api/endpoints";
import { useMay } from "../api/session";
import type { Task, TaskVerb } from "../api/types";
import { ReasonDialog } from "./reason";
import { useAct } from "./use-act";

export const TASK_VERBS: Readonly<
  Record<
    TaskVerb,
    { name: string; from: readonly string[]; danger: boolean; done: string; means: string }
  >
> = {
  pause: {
    name: "Pause",
    from: ["pending", "running"],
    danger: false,
    done: "paused",
    means: "It keeps its place; if it runs, its agent is asked to hold on to what it has.",
  },
  resume: {
    name: "Resume",
    from: ["paused"],
    danger: false,
    done: "resumed",
    means: "It goes on, or back into the queue where it was.",
  },
  retry: {
    name: "Retry",
    from: ["failed", "cancelled", "pending"],
    danger: false,
    done: "given another try",
    means: "It is tried again at once rather than after its pause.",
  },
  cancel: {
    name: "Cancel",
    from: ["pending", "running", "paused"],
    danger: true,
    done: "cancelled",
    means:
      "It will not be done. If it runs, its agent is told to stop; what it did so far stays done.",
  },
};

export function mayDo(verb: TaskVerb, task: Pick<Task, "status" | "error_count">): boolean {
  if (verb === "retry" && task.status === "pending") return task.error_count > 0;
  return TASK_VERBS[verb].from.includes(task.status);
}

export function TaskActs({ task }: { task: Task }) {
  const [verb, setVerb] = useState<TaskVerb | null>(null);
  const may = useMay("operate");
  const act = useAct();
  const verbs = (Object.keys(TASK_VERBS) as TaskVerb[]).filter((one) => mayDo(one, task));
  return (
    <div className="row wrap">
      {verbs.map((one) => (
        <button
          key={one}
          type="button"
          className={`button ${TASK_VERBS[one].danger ? "danger" : ""}`}
          disabled={!may}
          title={may ? undefined : "Your token may only look"}
          onClick={() => setVerb(one)}
        >
          {TASK_VERBS[one].name}
        </button>
      ))}
      {verb ? (
        <ReasonDialog
          title={`${TASK_VERBS[verb].name} ${task.name}`}
          confirm={`${TASK_VERBS[verb].name} the task`}
          danger={TASK_VERBS[verb].danger}
          onClose={() => setVerb(null)}
          onConfirm={({ reason }) =>
            act(
              `${task.name}: ${TASK_VERBS[verb].done}`,
              `${task.name} was not ${TASK_VERBS[verb].done}`,
              () => tasks.act(task.id, verb, reason),
            )
          }
        >
          <p className="soft">{TASK_VERBS[verb].means}</p>
        </ReasonDialog>
      ) : null}
    </div>
  );
}
