/** The states of a task in the order they come, and where this one is. */
import type { Task } from "../../api/types";
import { plain } from "../../format/words";
import { Glyph } from "../../ui/glyph";
import { TASK } from "../../ui/looks";
import { When } from "../../ui/when";

export function Ribbon({ task }: { task: Task }) {
  const isOver = ["completed", "failed", "cancelled"].includes(task.status);
  const end = isOver ? task.status : "completed";
  const steps = [
    { name: "created", at: task.created_at, done: true },
    {
      name: task.status === "paused" ? "paused" : "waiting",
      at: null,
      done: task.started_at !== null || isOver,
      here: !isOver && task.status !== "running",
    },
    {
      name: "running",
      at: task.started_at,
      done: isOver && task.started_at !== null,
      here: task.status === "running",
    },
    { name: end, at: task.completed_at, done: isOver, here: isOver },
  ];
  return (
    <ol className="ribbon live" aria-label="States">
      {steps.map((step) => (
        <li
          key={step.name}
          data-here={step.here || undefined}
          data-done={step.done || undefined}
          aria-current={step.here ? "step" : undefined}
        >
          <span className="ribbon-name">
            {step.here ? (
              <Glyph shape={TASK[task.status].shape} />
            ) : step.done ? (
              <Glyph shape="check" size={10} />
            ) : (
              <Glyph shape="ring" size={9} />
            )}
            {step.here && task.phase !== task.status && !isOver ? plain(task.phase) : step.name}
          </span>
          {step.at ? (
            <span className="small faint">
              <When iso={step.at} />
            </span>
          ) : (
            <span className="small faint">{step.here && !isOver ? "now" : ""}</span>
          )}
        </li>
      ))}
    </ol>
  );
}
