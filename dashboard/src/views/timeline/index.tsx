/** What every agent did and when: a row each, attempts as bars by mode, the plan's hours as shades, and now. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { past, plan } from "../../api/endpoints";
import { plural } from "../../format/numbers";
import { clock, day } from "../../format/time";
import { useFleet, useNow } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { useRemembered } from "../../shell/remembered";
import { useZone } from "../../shell/zone";
import { Empty, Fault, Loading } from "../../ui/empty";
import { BarTable } from "./bar-table";
import { Chart } from "./chart";
import { ghostsOf } from "./ghosts";
import { follow, moved, resized, type Span, zoomed } from "./span";
import "./timeline.css";

const HOUR = 3_600_000;
const STEP = 20;
const NONE: readonly never[] = [];
/** Of more waiting tasks, a look ahead is made only when it is asked for: it takes the coordinator's time. */
const FORECAST_BELOW = 5_000;
const MOST_AHEAD = 168;
const LENGTHS: ReadonlyArray<readonly [string, number]> = [
  ["1 h", HOUR],
  ["6 h", 6 * HOUR],
  ["24 h", 24 * HOUR],
  ["7 d", 168 * HOUR],
];

export default function Timeline() {
  const zone = useZone();
  const now = useNow();
  const [, navigate] = useLocation();
  const agents = useFleet((fleet) => fleet.agents);
  const [length, setLength] = useState(6 * HOUR);
  const [held, setHeld] = useState<Span | null>(null);
  const [q, setQ] = useState("");
  const [asTable, setAsTable] = useState(false);
  const [onlyBusy, setOnlyBusy] = useState(false);
  const span = held ?? follow(now, length);
  // Ask for whole steps, so that the question changes seldom while time goes on.
  const step = Math.max(10_000, Math.round(length / 60));
  const from = Math.floor(span.from / step) * step;
  const until = Math.ceil(span.until / step) * step;
  const names = [...agents.keys()].sort().join("\n");
  const [worked, setWorked] = useState<readonly string[]>([]);
  const rows = useMemo(() => {
    const needle = q.toLowerCase();
    const all = onlyBusy ? worked : new Set([...(names ? names.split("\n") : []), ...worked]);
    return [...all].filter((name) => name.toLowerCase().includes(needle)).sort();
  }, [names, worked, q, onlyBusy]);
  const [sight, setSight] = useState({ first: 0, last: 30 });
  // Asked for in steps, and some beyond what is in sight, so that scrolling seldom has to wait.
  const inSight = rows.slice(
    Math.max(0, Math.floor(sight.first / STEP) - 1) * STEP,
    (Math.ceil(sight.last / STEP) + 1) * STEP,
  );
  const asked = asTable || rows.length <= inSight.length ? [] : inSight;
  const found = useLiveQuery(
    ["timeline", from, until, asked],
    () => past.timeline(new Date(from).toISOString(), new Date(until).toISOString(), asked),
    5,
  );
  const size = useFleet((fleet) => fleet.summary?.pending_tasks ?? 0);
  const [forecast, setForecast] = useRemembered<boolean | null>("forecast", null);
  const looksAhead = forecast ?? size <= FORECAST_BELOW;
  const hoursAhead = Math.min(MOST_AHEAD, Math.ceil((span.until - now) / HOUR));
  const ahead = useLiveQuery(
    ["forecast", hoursAhead],
    () => plan.preview(null, hoursAhead / 24),
    60,
    looksAhead && hoursAhead > 0,
  );
  const ghosts = useMemo(
    () => (looksAhead ? ghostsOf(ahead.data) : NONE),
    [ahead.data, looksAhead],
  );
  const whoWorked = found.data?.agents;
  useEffect(() => {
    if (whoWorked) setWorked((was) => (was.join("\n") === whoWorked.join("\n") ? was : whoWorked));
  }, [whoWorked]);
  const onSight = useCallback(
    (first: number, last: number) =>
      setSight((was) => (was.first === first && was.last === last ? was : { first, last })),
    [],
  );
  const change = (next: Span) => setHeld(next);
  /** What follows now goes on to do so. */
  const zoom = (factor: number) =>
    held ? change(zoomed(held, factor, 0.5)) : setLength(resized(length, factor));
  return (
    <div className="timeline-view">
      <div className="view-head">
        <h1>Timeline</h1>
        <span className="soft small num">
          {day(span.from, zone)} {clock(span.from, zone)} – {day(span.until, zone)}{" "}
          {clock(span.until, zone)}, {zone}
        </span>
        <span className="grow" />
        <div className="segments" role="radiogroup" aria-label="How much time is shown">
          {LENGTHS.map(([name, long]) => (
            <button
              key={name}
              type="button"
              role="radio"
              className="button"
              aria-checked={held === null && length === long}
              onClick={() => {
                setLength(long);
                setHeld(null);
              }}
            >
              {name}
            </button>
          ))}
        </div>
        <div className="row">
          <button
            type="button"
            className="button square"
            aria-label="Earlier (←)"
            onClick={() => change(moved(span, -0.25))}
          >
            ←
          </button>
          <button
            type="button"
            className="button square"
            aria-label="Later (→)"
            onClick={() => change(moved(span, 0.25))}
          >
            →
          </button>
          <button
            type="button"
            className="button square"
            aria-label="Closer (+)"
            onClick={() => zoom(0.5)}
          >
            +
          </button>
          <button
            type="button"
            className="button square"
            aria-label="Further (−)"
            onClick={() => zoom(2)}
          >
            −
          </button>
          {held ? (
            <button type="button" className="button" onClick={() => setHeld(null)}>
              Now
            </button>
          ) : null}
        </div>
      </div>
      <div className="filters">
        <input
          type="search"
          className="input search"
          aria-label="Search agents (/)"
          placeholder="Search agents …  ( / )"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <label className="row small">
          <input
            type="checkbox"
            checked={onlyBusy}
            onChange={(event) => setOnlyBusy(event.target.checked)}
          />{" "}
          Only who worked
        </label>
        <label className="row small">
          <input
            type="checkbox"
            checked={asTable}
            onChange={(event) => setAsTable(event.target.checked)}
          />{" "}
          As a table
        </label>
        <label
          className="row small"
          title="What would start when, if everything takes as long as it did so far"
        >
          <input
            type="checkbox"
            checked={looksAhead}
            onChange={(event) => setForecast(event.target.checked)}
          />{" "}
          Forecast
        </label>
        <span className="grow" />
        <span className="soft small num">
          {found.data
            ? `${plural(found.data.bars.length, "attempt")}${found.data.is_cut_off ? ", and more than can be shown" : ""}`
            : ""}
        </span>
      </div>
      {!found.data && found.error ? (
        <Fault error={found.error} retry={() => found.refetch()} />
      ) : !found.data && (asTable || rows.length === 0) ? (
        <Loading what="the timeline" />
      ) : rows.length === 0 ? (
        <section className="panel">
          <Empty title="No agent to show">An agent has a row from when it is first seen.</Empty>
        </section>
      ) : asTable ? (
        <BarTable bars={found.data?.bars ?? []} />
      ) : (
        <Chart
          rows={rows}
          bars={found.data?.bars ?? NONE}
          ghosts={ghosts}
          shades={found.data?.shades ?? NONE}
          onSight={onSight}
          span={span}
          now={now}
          zone={zone}
          onSpan={change}
          onZoom={zoom}
          onOpen={(task) => navigate(taskPath(task))}
        />
      )}
    </div>
  );
}
