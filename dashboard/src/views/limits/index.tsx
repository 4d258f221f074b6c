/** Every limit and cap: how far it is used, who holds a place, what waits behind it, when it opens again. */
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { ReasonDialog } from "../../act/reason";
import { useAct } from "../../act/use-act";
import { fleet } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { Cap, Limit } from "../../api/types";
import { count, figure } from "../../format/numbers";
import { duration } from "../../format/time";
import { useFleet } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { Badge } from "../../ui/badge";
import { Empty, Fault, Loading } from "../../ui/empty";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { Spark } from "../../ui/spark";
import { Countdown, When } from "../../ui/when";
import { limitName } from "../now/limit-bars";
import { BlockedNow } from "./blocked-now";
import "./limits.css";

const DAY_MS = 86_400_000;
/** As many series as the server tells at once. */
const CHARTS = 50;

/** Name some of those that have a place; only the first of many are told. */
function Holders({ ids, used }: { ids: readonly string[]; used: number }) {
  const tasks = useFleet((state) => state.tasks);
  if (ids.length === 0) return <span className="faint">nobody</span>;
  return (
    <span>
      {ids.slice(0, 4).map((id, index) => (
        <span key={id}>
          {index ? ", " : ""}
          <Link href={taskPath(id)}>{tasks.get(id)?.name ?? id}</Link>
          {tasks.get(id)?.agent_name ? (
            <span className="faint"> on {tasks.get(id)?.agent_name}</span>
          ) : null}
        </span>
      ))}
      {used > 4 ? <span className="faint"> and {count(used - 4)} more</span> : null}
    </span>
  );
}

function Switch({ limit }: { limit: Limit }) {
  const [open, setOpen] = useState(false);
  const may = useMay("operate");
  const act = useAct();
  const verb = limit.held ? "release" : "hold";
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!may}
        onClick={() => setOpen(true)}
        aria-label={`${limit.held ? "Release" : "Hold"} ${limitName(limit.key)}`}
      >
        {limit.held ? "Release" : "Hold"}
      </button>
      {open ? (
        <ReasonDialog
          title={`${limit.held ? "Release" : "Hold"} ${limitName(limit.key)}`}
          confirm={limit.held ? "Release" : "Hold"}
          lasting={!limit.held}
          onClose={() => setOpen(false)}
          onConfirm={({ reason, forS }) =>
            act(
              `${limitName(limit.key)}: ${limit.held ? "released" : "held"}`,
              "It stays as it was",
              () => fleet.actOnLimit(limit.key, verb, reason, forS),
            )
          }
        >
          <p className="soft">
            {limit.held
              ? `${limit.held.actor} held it: ${limit.held.reason}`
              : "Nothing new gets a place. Who has one keeps it."}
          </p>
        </ReasonDialog>
      ) : null}
    </>
  );
}

function LimitRow({ limit, day }: { limit: Limit; day: readonly (readonly [number, number])[] }) {
  return (
    <tr>
      <td>
        <strong>{limitName(limit.key)}</strong>
        <br />
        <code className="faint small">{limit.key}</code>
      </td>
      <td>
        <div className="limit-use">
          <Meter value={limit.used} max={limit.max} label={limitName(limit.key)} />
          <span className="num small">
            {count(limit.used)} of {count(limit.max)}
          </span>
        </div>
      </td>
      <td className="limit-day">
        <Spark
          values={day}
          threshold={limit.max}
          label={`In use of ${limitName(limit.key)} in the last 24 hours, of ${limit.max}`}
        />
      </td>
      <td className="num">
        {limit.queued_behind ? (
          <Link href="/tasks?status=pending">{count(limit.queued_behind)}</Link>
        ) : (
          <span className="faint">0</span>
        )}
      </td>
      <td className="limit-held-by">
        <Holders ids={limit.holders} used={limit.used} />
      </td>
      <td>
        {limit.held ? (
          <Badge look={{ hue: "purple", shape: "pause" }} title={limit.held.reason}>
            held by {limit.held.actor}
          </Badge>
        ) : limit.frees_at ? (
          <Countdown iso={limit.frees_at} />
        ) : (
          <span className="faint">–</span>
        )}
      </td>
      <td>
        <Switch limit={limit} />
      </td>
    </tr>
  );
}

function isTime(cap: Cap): boolean {
  return /(^s$|second)/.test(cap.unit);
}

function capName(key: string): string {
  if (key === "errors:day") return "Errors today";
  if (key === "errors:week") return "Errors this week";
  return key.replace(/^(mode|key|agent):/, "").replaceAll("_", " ");
}

function CapRow({ cap }: { cap: Cap }) {
  const shown = (value: number) => (isTime(cap) ? duration(value) : figure(value));
  return (
    <tr>
      <td>
        <strong>{capName(cap.key)}</strong>
        <br />
        <code className="faint small">{cap.key}</code>
      </td>
      <td className="soft">{cap.unit}</td>
      <td>
        <div className="limit-use">
          {cap.max === null ? (
            <span className="faint small">no cap</span>
          ) : (
            <Meter value={cap.used} max={cap.max} label={`${cap.key}, ${cap.unit}`} />
          )}
          <span className="num small">
            {shown(cap.used)}
            {cap.max === null ? "" : ` of ${shown(cap.max)}`}
          </span>
        </div>
      </td>
      <td>
        {cap.resets_at ? (
          <>
            <Countdown iso={cap.resets_at} />{" "}
            <span className="faint small">
              (<When iso={cap.resets_at} />)
            </span>
          </>
        ) : (
          <span className="faint">–</span>
        )}
      </td>
    </tr>
  );
}

/** What was in use of each limit in the last day, by its key. */
function useDays(keys: readonly string[]) {
  const asked = keys.slice(0, CHARTS);
  const found = useLiveQuery(
    ["limits-day", asked],
    () =>
      fleet.metrics(
        new Date(Date.now() - DAY_MS).toISOString(),
        asked.map((key) => `limit:${key}`),
      ),
    60,
    asked.length > 0,
  );
  return useMemo(
    () =>
      new Map(
        (found.data?.series ?? []).map((one) => [
          one.name.replace(/^limit:/, ""),
          one.at.map((at, n) => [Date.parse(at), one.high[n] ?? 0] as const),
        ]),
      ),
    [found.data],
  );
}

export default function LimitsView() {
  const limits = useLiveQuery(["limits"], fleet.limits, 2);
  const days = useDays((limits.data?.limits ?? []).map((one) => one.key).sort());
  if (!limits.data)
    return limits.error ? (
      <Fault error={limits.error} retry={() => limits.refetch()} />
    ) : (
      <Loading what="limits" />
    );
  const { limits: all, caps } = limits.data;
  const byUse = [...all].sort(
    (a, b) => b.used / (b.max || 1) - a.used / (a.max || 1) || a.key.localeCompare(b.key),
  );
  return (
    <div className="stack">
      <div className="view-head">
        <h1>Limits & caps</h1>
      </div>
      <Panel title="At once" flush>
        {all.length === 0 ? (
          <Empty title="The plan sets no limit of what may run at once" />
        ) : (
          <div className="scroll-x">
            <table className="table live">
              <thead>
                <tr>
                  <th>Limit</th>
                  <th>In use</th>
                  <th className="limit-day">Last 24 hours</th>
                  <th className="num">Waiting behind</th>
                  <th>Held by</th>
                  <th>Frees</th>
                  <th>
                    <span className="unseen">Act</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {byUse.map((limit) => (
                  <LimitRow key={limit.key} limit={limit} day={days.get(limit.key) ?? []} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      <Panel title="Per day and week" flush>
        {caps.length === 0 ? (
          <Empty title="Nothing has been counted against a cap yet" />
        ) : (
          <div className="scroll-x">
            <table className="table live">
              <thead>
                <tr>
                  <th>Cap</th>
                  <th>Counts</th>
                  <th>Used</th>
                  <th>Begins anew</th>
                </tr>
              </thead>
              <tbody>
                {caps.map((cap) => (
                  <CapRow key={`${cap.key} ${cap.unit}`} cap={cap} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      <BlockedNow />
    </div>
  );
}
