/** What every agent did and when: a row each, attempts as bars by mode, the plan's hours as shades, and now. */
import { useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { past } from "../../api/endpoints";
import { plural } from "../../format/numbers";
import { clock, day } from "../../format/time";
import { useFleet, useNow } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { taskPath } from "../../routes";
import { useZone } from "../../shell/zone";
import { Empty, Fault, Loading } from "../../ui/empty";
import { BarTable } from "./bar-table";
import { Chart } from "./chart";
import { follow, moved, type Span, zoomed } from "./span";
import "./timeline.css";

const HOUR = 3_600_000;
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
  const found = useLiveQuery(
    ["timeline", from, until],
    () => past.timeline(new Date(from).toISOString(), new Date(until).toISOString()),
    5,
  );
  const rows = useMemo(() => {
    const names = new Set(agents.keys());
    const worked = new Set<string>();
    for (const bar of found.data?.bars ?? []) {
      names.add(bar.agent);
      worked.add(bar.agent);
    }
    const needle = q.toLowerCase();
    return [...names]
      .filter((name) => name.toLowerCase().includes(needle) && (!onlyBusy || worked.has(name)))
      .sort();
  }, [agents, found.data, q, onlyBusy]);
  const lengthOf = useRef(length);
  lengthOf.current = span.until - span.from;
  const change = (next: Span) => setHeld(next);
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
            onClick={() => change(zoomed(span, 0.5, 0.5))}
          >
            +
          </button>
          <button
            type="button"
            className="button square"
            aria-label="Further (−)"
            onClick={() => change(zoomed(span, 2, 0.5))}
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
        <span className="grow" />
        <span className="soft small num">
          {found.data
            ? `${plural(found.data.bars.length, "attempt")}${found.data.is_cut_off ? ", and more than can be shown" : ""}`
            : ""}
        </span>
      </div>
      {!found.data ? (
        found.error ? (
          <Fault error={found.error} retry={() => found.refetch()} />
        ) : (
          <Loading what="the timeline" />
        )
      ) : rows.length === 0 ? (
        <section className="panel">
          <Empty title="No agent to show">An agent has a row from when it is first seen.</Empty>
        </section>
      ) : asTable ? (
        <BarTable bars={found.data.bars} />
      ) : (
        <Chart
          rows={rows}
          data={found.data}
          span={span}
          now={now}
          zone={zone}
          onSpan={change}
          onOpen={(task) => navigate(taskPath(task))}
        />
      )}
    </div>
  );
}
