/** What holds the fleet back at this moment, with the oldest task that each reason holds. */
import { Link } from "wouter";
import { fleet } from "../../api/endpoints";
import type { Why } from "../../api/types";
import { count } from "../../format/numbers";
import { reason } from "../../format/words";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { Panel } from "../../ui/panel";
import { Since } from "../../ui/when";

interface FleetWhy {
  blocked: { code: string; tasks: number; oldest?: { task: string; since_ms: number } }[];
  agents: { total: number; free: number; not_free: Record<string, number> };
}

export function BlockedNow() {
  const why = useLiveQuery<Why<FleetWhy>>(
    ["why"],
    () => fleet.why() as unknown as Promise<Why<FleetWhy>>,
    5,
  );
  const answer = why.data?.answer;
  if (!answer?.blocked) return null;
  return (
    <Panel
      title="What holds work back"
      flush
      aside={
        <span className="small soft">
          {count(answer.agents.free)} of {count(answer.agents.total)} agents free
        </span>
      }
    >
      {answer.blocked.length === 0 ? (
        <p className="pad soft">Nothing does.</p>
      ) : (
        <div className="scroll-x">
          <table className="table live">
            <thead>
              <tr>
                <th>Reason</th>
                <th className="num">Tasks</th>
                <th>Oldest</th>
                <th>Waits for</th>
              </tr>
            </thead>
            <tbody>
              {answer.blocked.map((one) => (
                <tr key={one.code}>
                  <td>
                    <Link href={`/tasks?status=pending&blocked_by=${one.code}`}>
                      {reason(one.code)}
                    </Link>{" "}
                    <code className="faint small">{one.code}</code>
                  </td>
                  <td className="num">{count(one.tasks)}</td>
                  <td>
                    {one.oldest ? (
                      <Link href={taskPath(one.oldest.task)}>{one.oldest.task}</Link>
                    ) : (
                      "–"
                    )}
                  </td>
                  <td>
                    {one.oldest ? <Since iso={new Date(one.oldest.since_ms).toISOString()} /> : "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
