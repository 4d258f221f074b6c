/** What an agent did lately. */
import { Link } from "wouter";
import { tasks } from "../../api/endpoints";
import { duration } from "../../format/time";
import { plain } from "../../format/words";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { TaskBadge } from "../../ui/badge";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";

export function RecentRuns({ name }: { name: string }) {
  const found = useLiveQuery(
    ["agent-tasks", name],
    () => tasks.list({ agent: name, sort: "-created_at" }, 0, 10),
    5,
  );
  const rows = found.data?.items ?? [];
  return (
    <Panel
      title="Its tasks"
      flush
      aside={
        <Link className="small" href={`/tasks?agent=${encodeURIComponent(name)}`}>
          All of them
        </Link>
      }
    >
      {rows.length === 0 ? (
        <p className="pad soft">It has had none yet.</p>
      ) : (
        <div className="scroll-x">
          <table className="table live">
            <thead>
              <tr>
                <th>Status</th>
                <th>Task</th>
                <th>Mode</th>
                <th>Started</th>
                <th className="num">Ran for</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((task) => (
                <tr key={task.id}>
                  <td>
                    <TaskBadge status={task.status} phase={task.phase} />
                  </td>
                  <td>
                    <Link href={taskPath(task.id)}>{task.name}</Link>
                  </td>
                  <td>{plain(task.mode)}</td>
                  <td>
                    <When iso={task.started_at} />
                  </td>
                  <td className="num">
                    {task.actual_duration_s === null ? "–" : duration(task.actual_duration_s)}
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
