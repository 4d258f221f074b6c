/** Why a task waits: the sentence, every gate with its numbers, how agents fall away, who is in the way, what would help. */
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { ReasonDialog } from "../../act/reason";
import { useAct } from "../../act/use-act";
import { agents as agentsEndpoint, tasks } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { TaskVerb, Why } from "../../api/types";
import { count } from "../../format/numbers";
import { duration } from "../../format/time";
import { reason } from "../../format/words";
import { useNow } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { agentPath, taskPath } from "../../routes";
import { Fault, Loading } from "../../ui/empty";
import { Panel } from "../../ui/panel";
import { Countdown, When } from "../../ui/when";
import { GateList } from "./gates";
import type { Action, Change, TaskWhy } from "./why-types";

const iso = (ms: number) => new Date(ms).toISOString();

/** Ask why; *status* is what is known of the task, if anything is. */
export function useWhy(id: string, status: string | undefined) {
  const why = useLiveQuery<Why<TaskWhy>>(
    ["why", id],
    () => tasks.why(id) as unknown as Promise<Why<TaskWhy>>,
    isWaiting(status) ? 2 : 10,
  );
  const before = useRef(status);
  const { refetch } = why;
  useEffect(() => {
    if (before.current !== undefined && before.current !== status) void refetch();
    before.current = status;
  }, [status, refetch]);
  return why;
}

export function isWaiting(status: string | undefined): boolean {
  return status === "pending" || status === "paused";
}

export function WhyPanel({ why, status }: { why: ReturnType<typeof useWhy>; status: string }) {
  const waits = isWaiting(status);
  const answer = why.data?.answer;
  return (
    <Panel
      title={waits ? "Why it waits" : "Where it stands"}
      className="why live"
      aside={answer ? <code className="small faint">{answer.headline.code}</code> : null}
    >
      {answer ? (
        <Answer why={answer} />
      ) : why.error ? (
        <Fault error={why.error} retry={() => why.refetch()} />
      ) : (
        <Loading what="the reasons" />
      )}
    </Panel>
  );
}

function Answer({ why }: { why: TaskWhy }) {
  const text = why.headline.text;
  return (
    <div className="stack">
      <p className="headline">{text.charAt(0).toUpperCase() + text.slice(1)}.</p>
      {why.ends ? (
        <p className="soft">
          Ends <Countdown iso={iso(why.ends.at_ms)} />
          {why.ends.basis ? `, by ${why.ends.basis}` : ""}.
        </p>
      ) : null}
      {why.earliest ? <Earliest earliest={why.earliest} since={why.since_ms} /> : null}
      {why.would_run_if?.length ? <Ways ways={why.would_run_if} /> : null}
      {why.gates ? (
        <section aria-label="Gates">
          <h3>What decides</h3>
          <GateList gates={why.gates} />
        </section>
      ) : null}
      {why.agents ? <Funnel agents={why.agents} /> : null}
      {why.gates?.some((gate) => gate.holders?.length) ? <Holders why={why} /> : null}
      {why.position && (why.position.ahead > 0 || why.position.waiting_alike > 1) ? (
        <p className="soft small">
          Place {why.position.is_exact ? "" : "at most "}
          {count(why.position.in_shape)} of {count(why.position.waiting_alike)} of its kind;{" "}
          {count(why.position.ahead)} ahead in all.
        </p>
      ) : null}
      {why.history && why.history.length > 1 ? (
        <ol className="why-history small">
          {why.history.map(([at, code]) => (
            <li key={`${at}${code}`}>
              <When iso={iso(at)} /> {reason(code)}
            </li>
          ))}
        </ol>
      ) : null}
    </div>
  );
}

function Earliest({
  earliest,
  since,
}: {
  earliest: NonNullable<TaskWhy["earliest"]>;
  since: number;
}) {
  const now = useNow();
  return (
    <dl className="earliest">
      <div>
        <dt>Waits since</dt>
        <dd>
          <When iso={iso(since)} />
        </dd>
      </div>
      <div>
        <dt>Earliest start{earliest.kind === "certain" ? "" : ", by what is known"}</dt>
        <dd>
          {earliest.at_ms === null ? (
            "unknown"
          ) : earliest.kind !== "certain" && earliest.at_ms <= now ? (
            "any moment"
          ) : (
            <Countdown iso={iso(earliest.at_ms)} />
          )}
        </dd>
      </div>
      <div className="grow">
        <dt>Because</dt>
        <dd>{earliest.basis}</dd>
      </div>
    </dl>
  );
}

const STAGES: ReadonlyArray<readonly [string, string]> = [
  ["total", "known"],
  ["capable", "capable"],
  ["online", "online"],
  ["in_service", "in service"],
  ["healthy", "healthy"],
  ["in_hours", "in hours"],
  ["off_cooldown", "off cooldown"],
  ["free", "free"],
];

function Funnel({ agents }: { agents: NonNullable<TaskWhy["agents"]> }) {
  const total = Math.max(1, agents.total ?? 0);
  return (
    <section aria-label="Agents that could do it">
      <h3>Agents that could do it</h3>
      <ol className="funnel">
        {STAGES.map(([key, name]) => (
          <li key={key} data-none={(agents[key] ?? 0) === 0 || undefined}>
            <span
              className="funnel-bar"
              style={{ height: `${Math.max(3, (46 * (agents[key] ?? 0)) / total)}px` }}
              aria-hidden="true"
            />
            <strong className="num">{count(agents[key] ?? 0)}</strong>
            <span className="small soft">{name}</span>
          </li>
        ))}
      </ol>
      {!agents.free && agents.nearest_miss?.length ? (
        <ul className="stack tight small">
          {agents.nearest_miss.slice(0, 4).map((miss) => (
            <li key={miss.agent}>
              Nearest: <Link href={agentPath(miss.agent)}>{miss.agent}</Link>, {miss.text}
              {miss.until_ms ? (
                <span className="faint">
                  {" "}
                  (<Countdown iso={iso(miss.until_ms)} />)
                </span>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function Holders({ why }: { why: TaskWhy }) {
  const holders = (why.gates ?? []).flatMap((gate) => gate.holders ?? []).slice(0, 8);
  return (
    <section aria-label="In the way">
      <h3>In the way</h3>
      <ul className="stack tight">
        {holders.map((one) => (
          <li key={one.task} className="row apart">
            <span className="clip">
              <Link href={taskPath(one.task)}>{one.name}</Link> on{" "}
              <Link href={agentPath(one.agent)}>{one.agent}</Link>
            </span>
            <span className="soft small nowrap">
              {one.p50_left_s === null || one.p50_left_s === undefined
                ? ""
                : one.p50_left_s > 0
                  ? `about ${duration(one.p50_left_s)} left`
                  : "longer than usual already"}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const VERBS: Readonly<Record<string, TaskVerb>> = {
  cancel: "cancel",
  resume: "resume",
  retry: "retry",
  pause: "pause",
};

/** How to do it from here, if that is possible; a cancelled task names its agent, too. */
export function doing(action: Action): ((why: string) => Promise<unknown>) | null {
  const { op, task, agent } = action;
  const verb = VERBS[op];
  if (task && verb) return (why) => tasks.act(task, verb, why);
  if (agent && op === "return") return (why) => agentsEndpoint.act(agent, "return", why, undefined);
  return null;
}

function Ways({ ways }: { ways: readonly Change[] }) {
  const [chosen, setChosen] = useState<Change | null>(null);
  const may = useMay("operate");
  const act = useAct();
  const carryOut = (way: Change, why: string) =>
    act(`Done: ${way.change}`, `Not done: ${way.change}`, async () => {
      for (const action of way.actions) await doing(action)?.(why);
    });
  return (
    <section aria-label="What would start it" className="ways">
      <h3>It would start if you</h3>
      <ul className="stack tight">
        {ways.map((way) => (
          <li key={way.change} className="row apart">
            <span>
              <strong>{way.change}</strong> <span className="soft">{way.effect}</span>
            </span>
            {way.actions.every(doing) ? (
              <button
                type="button"
                className="button small"
                disabled={!may}
                onClick={() => setChosen(way)}
              >
                Do it …
              </button>
            ) : way.actions.some((action) => action.op === "plan") ? (
              <Link className="button small" href="/plan">
                Open the plan
              </Link>
            ) : null}
          </li>
        ))}
      </ul>
      {chosen ? (
        <ReasonDialog
          title={`${chosen.change.charAt(0).toUpperCase()}${chosen.change.slice(1)}`}
          confirm="Do it"
          onClose={() => setChosen(null)}
          onConfirm={({ reason: why }) => carryOut(chosen, why)}
        >
          <p className="soft">{chosen.effect}</p>
        </ReasonDialog>
      ) : null}
    </section>
  );
}
