/** What was tried and what happened: attempts by fence, and events, oldest first. */
import { Link } from "wouter";
import { tasks } from "../../api/endpoints";
import { duration } from "../../format/time";
import { titled } from "../../format/words";
import { useLiveQuery } from "../../live/query";
import { agentPath } from "../../routes";
import { Fault, Loading } from "../../ui/empty";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";

export function StoryPanels({ id, version }: { id: string; version: string }) {
  const story = useLiveQuery(["story", id, version], () => tasks.story(id), 5);
  if (!story.data)
    return story.error ? <Fault error={story.error} /> : <Loading what="its story" />;
  const { attempts, events } = story.data;
  return (
    <>
      {attempts.length ? (
        <Panel title="Attempts" flush>
          <div className="scroll-x">
            <table className="table live">
              <thead>
                <tr>
                  <th>Fence</th>
                  <th>Agent</th>
                  <th>Outcome</th>
                  <th>Offered</th>
                  <th>Started</th>
                  <th className="num">Ran for</th>
                </tr>
              </thead>
              <tbody>
                {attempts.map((one) => (
                  <tr key={one.fence}>
                    <td className="num">{one.fence}</td>
                    <td>
                      <Link href={agentPath(one.agent)}>{one.agent}</Link>
                    </td>
                    <td>{one.outcome}</td>
                    <td>
                      <When iso={one.offered_at} />
                    </td>
                    <td>
                      <When iso={one.started_at} />
                    </td>
                    <td className="num">{one.ran_s === null ? "–" : duration(one.ran_s)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
      ) : null}
      <Panel title="What happened" flush>
        <ol className="lines live">
          {events.map((event) => (
            <li key={event.number} className="story-line">
              <span className="small faint">
                <When iso={event.at} />
              </span>
              <span>
                {titled(event.kind.replaceAll(".", " "))} <span className="soft">{event.text}</span>
              </span>
            </li>
          ))}
          {events.length === 0 ? <li className="pad soft">No event is kept of it.</li> : null}
        </ol>
      </Panel>
    </>
  );
}
