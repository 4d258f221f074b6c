/** Why an agent does no more: the sentence, its own gates, cooldowns counted down, and what waits that is not for it. */
import { Link } from "wouter";
import { agents } from "../../api/endpoints";
import type { Why } from "../../api/types";
import { count } from "../../format/numbers";
import { reason } from "../../format/words";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { Fault, Loading } from "../../ui/empty";
import { Panel } from "../../ui/panel";
import { Countdown } from "../../ui/when";
import { GateList } from "../task/gates";
import type { Gate } from "../task/why-types";

interface IdleWhy {
  headline: { code: string; text: string };
  gates: Gate[];
  cooldowns: { type: string; text: string; until_ms: number; probe: boolean }[];
  waiting: {
    total: number;
    not_for_it: Record<string, number>;
    first: { task: string; name: string; fails: string[] }[];
  };
}

export function IdlePanel({ name, busy }: { name: string; busy: boolean }) {
  const why = useLiveQuery<Why<IdleWhy>>(
    ["why-idle", name],
    () => agents.whyIdle(name) as unknown as Promise<Why<IdleWhy>>,
    3,
  );
  const answer = why.data?.answer;
  if (!answer) {
    return (
      <Panel title="What it could do now">
        {why.error ? (
          <Fault error={why.error} retry={() => why.refetch()} />
        ) : (
          <Loading what="the reasons" />
        )}
      </Panel>
    );
  }
  const text = answer.headline.text;
  return (
    <Panel title={busy ? "Why it does no more" : "Why it does nothing"} className="why live">
      <div className="stack">
        <p className="headline">{text.charAt(0).toUpperCase() + text.slice(1)}.</p>
        <GateList gates={answer.gates} />
        {answer.cooldowns.length ? (
          <section aria-label="Cooldowns">
            <h3>Cooldowns</h3>
            <ul className="stack tight">
              {answer.cooldowns.map((one) => (
                <li key={one.type} className="row apart">
                  <span>
                    <strong>{one.type}</strong> <span className="soft small">{one.text}</span>
                  </span>
                  <span className="small soft">
                    over <Countdown iso={new Date(one.until_ms).toISOString()} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        {answer.waiting.total ? (
          <section aria-label="Waiting tasks">
            <h3>{count(answer.waiting.total)} wait, not for it</h3>
            <ul className="stack tight small">
              {Object.entries(answer.waiting.not_for_it).map(([code, many]) => (
                <li key={code} className="row apart">
                  <span>{reason(code)}</span>
                  <span className="num">{count(many)}</span>
                </li>
              ))}
              {answer.waiting.first.map((one) => (
                <li key={one.task} className="soft">
                  First: <Link href={taskPath(one.task)}>{one.name}</Link> (
                  {one.fails.map(reason).join(", ")})
                </li>
              ))}
            </ul>
          </section>
        ) : null}
      </div>
    </Panel>
  );
}
