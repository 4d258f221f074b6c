/** What one plan changes of another, place by place, and which waiting tasks could then never run. */
import type { PlanDiff } from "../../api/types";
import { plural } from "../../format/numbers";

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}

interface Infeasible {
  task: string;
  name: string;
  reason: string;
}

export function Changes({ diff }: { diff: PlanDiff }) {
  const infeasible = (
    Array.isArray(diff.impact.infeasible) ? diff.impact.infeasible : []
  ) as Infeasible[];
  const total = Number(diff.impact.infeasible_total ?? infeasible.length);
  if (diff.changes_total === 0)
    return <p className="soft">It says the same as the plan in force.</p>;
  return (
    <div className="stack tight">
      <ul className="changes small">
        {diff.changes.slice(0, 40).map((change) => (
          <li key={change.path}>
            <code>{change.path}</code>
            {"before" in change ? (
              <del>
                <span className="unseen">was </span>
                {shown(change.before)}
              </del>
            ) : (
              <span className="soft">added</span>
            )}
            {"after" in change ? (
              <ins>
                <span className="unseen">becomes </span>
                {shown(change.after)}
              </ins>
            ) : (
              <span className="soft">removed</span>
            )}
          </li>
        ))}
      </ul>
      {diff.changes_total > 40 ? (
        <p className="soft small">and {diff.changes_total - 40} more</p>
      ) : null}
      {total > 0 ? (
        <div className="infeasible small">
          <p>
            <strong>{plural(total, "waiting task")} could never run under it:</strong>
          </p>
          <ul>
            {infeasible.slice(0, 8).map((one) => (
              <li key={one.task}>
                {one.name}: <span className="soft">{one.reason}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      {diff.problems.map((problem) => (
        <p key={`${problem.path}${problem.message}`} className="small soft">
          {problem.path}: {problem.message}
        </p>
      ))}
    </div>
  );
}
