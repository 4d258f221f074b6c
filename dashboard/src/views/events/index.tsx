/** The fleet's story as it is told: live at the top, older ones as they are asked for; filtered by kind, subject, words. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { fleet as endpoint } from "../../api/endpoints";
import type { FleetEvent } from "../../api/types";
import { titled } from "../../format/words";
import { useFleet } from "../../live/hooks";
import { Empty, Fault, Loading } from "../../ui/empty";
import { Glyph, type Shape } from "../../ui/glyph";
import { When } from "../../ui/when";
import "./events.css";
import { EventWords } from "./subject";

const PAGE = 200;
const SHOWN_AT_MOST = 2_000;
const GROUPS = ["task", "agent", "plan", "coordinator", "operator"];

function lookOf(kind: string): { hue: string; shape: Shape } {
  if (/(failed|lost|error|refused|rejected|dropped|expired)/.test(kind))
    return { hue: "vermillion", shape: "cross" };
  if (/(suspect|warning|unhealthy|missed|late)/.test(kind))
    return { hue: "orange", shape: "triangle" };
  if (/(completed|succeeded|online|returned|recovered)/.test(kind))
    return { hue: "green", shape: "check" };
  if (/(paused|cordon|drain|maintenance|held)/.test(kind)) return { hue: "purple", shape: "pause" };
  return { hue: "grey", shape: "disc" };
}

export default function Events() {
  const live = useFleet((fleet) => fleet.events);
  const [params, setParams] = useSearchParams();
  const kind = params.get("kind") ?? "";
  const q = params.get("q") ?? "";
  const subject = params.get("subject") ?? "";
  const [older, setOlder] = useState<readonly FleetEvent[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(true);
  const [paused, setPaused] = useState<readonly FleetEvent[] | null>(null);

  const load = useCallback(
    async (cursor: string | null) => {
      setLoading(true);
      try {
        const page = await endpoint.events({
          limit: PAGE,
          cursor,
          ...(q ? { q } : {}),
          ...(subject ? { subject } : {}),
          ...(kind.includes(".") ? { kind } : {}),
        });
        const newestFirst = [...page.items].sort((a, b) => b.number - a.number);
        setOlder((now) => (cursor === null ? newestFirst : [...now, ...newestFirst]));
        setNext(page.next_cursor);
        setError(null);
      } catch (refusal) {
        setError(refusal);
      } finally {
        setLoading(false);
      }
    },
    [q, subject, kind],
  );
  useEffect(() => {
    const timer = window.setTimeout(() => void load(null), q ? 150 : 0);
    return () => window.clearTimeout(timer);
  }, [load, q]);

  const shown = useMemo(() => {
    const once = new Map<number, FleetEvent>();
    for (const event of [...(paused ?? live), ...older]) once.set(event.number, event);
    const needle = q.toLowerCase();
    return [...once.values()]
      .filter(
        (event) =>
          (!kind ||
            event.kind === kind ||
            event.kind.startsWith(`${kind}.`) ||
            event.kind.startsWith(`${kind}_`)) &&
          (!subject || event.subject === subject) &&
          (!needle ||
            `${event.kind} ${event.subject ?? ""} ${event.text}`.toLowerCase().includes(needle)),
      )
      .sort((a, b) => b.number - a.number)
      .slice(0, SHOWN_AT_MOST);
  }, [live, paused, older, kind, subject, q]);
  const set = (name: string, value: string) => {
    const after = new URLSearchParams(params);
    if (value) after.set(name, value);
    else after.delete(name);
    setParams(after, { replace: true });
  };
  const kinds = useMemo(
    () => [...new Set([...live, ...older].map((event) => event.kind))].sort(),
    [live, older],
  );
  return (
    <>
      <div className="view-head">
        <h1>Events</h1>
        <span className="grow" />
        <button
          type="button"
          className="button"
          aria-pressed={paused !== null}
          onClick={() => setPaused(paused === null ? live : null)}
        >
          {paused === null ? "Hold the list still" : "Follow again"}
        </button>
      </div>
      <div className="filters">
        <input
          type="search"
          className="input search"
          aria-label="Search events (/)"
          placeholder="Search …  ( / )"
          value={q}
          onChange={(event) => set("q", event.target.value)}
        />
        <select
          className="input pick"
          aria-label="Kind"
          value={kind}
          onChange={(event) => set("kind", event.target.value)}
        >
          <option value="">Kind: any</option>
          {[...new Set([...GROUPS, ...kinds])].map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        {subject ? (
          <button
            type="button"
            className="button small"
            aria-pressed="true"
            onClick={() => set("subject", "")}
          >
            about {subject} ✕
          </button>
        ) : null}
      </div>
      <section className="panel">
        {error && shown.length === 0 ? (
          <Fault error={error} retry={() => load(null)} />
        ) : shown.length === 0 ? (
          isLoading ? (
            <Loading what="events" />
          ) : (
            <Empty title={kind || q || subject ? "No event matches" : "Nothing has happened yet"} />
          )
        ) : (
          <ol className="lines live">
            {shown.map((event) => (
              <EventLine
                key={event.number}
                event={event}
                onSubject={(one) => set("subject", one)}
              />
            ))}
          </ol>
        )}
        {shown.length > 0 && next !== null ? (
          <p className="pad center">
            <button
              type="button"
              className="button"
              disabled={isLoading}
              onClick={() => load(next)}
            >
              {isLoading ? "Loading …" : "Older ones"}
            </button>
          </p>
        ) : null}
      </section>
    </>
  );
}

function EventLine({
  event,
  onSubject,
}: {
  event: FleetEvent;
  onSubject: (subject: string) => void;
}) {
  const [open, setOpen] = useState(false);
  const look = lookOf(event.kind);
  return (
    <li>
      <div className="event-line">
        <span className="small faint nowrap">
          <When iso={event.at} />
        </span>
        <span className={`event-kind ${look.hue}`}>
          <Glyph shape={look.shape} size={10} /> {titled(event.kind.replaceAll(".", " "))}
        </span>
        <span className="event-text">
          <EventWords event={event} />
        </span>
        {Object.keys(event.data).length > 0 ? (
          <button
            type="button"
            className="button plain small num"
            aria-expanded={open}
            aria-label={`Details of event ${event.number}`}
            onClick={() => setOpen(!open)}
          >
            {event.number} {open ? "▾" : "▸"}
          </button>
        ) : (
          <span className="faint small num">{event.number}</span>
        )}
      </div>
      {open ? (
        <div className="event-more">
          <pre className="value">{JSON.stringify(event.data, null, 2)}</pre>
          {event.subject ? (
            <button
              type="button"
              className="button small"
              onClick={() => onSubject(event.subject ?? "")}
            >
              Only about {event.subject}
            </button>
          ) : null}
        </div>
      ) : null}
    </li>
  );
}
