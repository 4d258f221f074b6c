/** The schedule windows of a plan over the coming week, in its zone; days on which the clocks change are marked. */
import { useMemo } from "react";
import type { Json } from "../../api/types";
import { day } from "../../format/time";
import { civil, isWithin, windowsOf } from "../../format/windows";
import { useNow } from "../../live/hooks";
import { Empty } from "../../ui/empty";
import { modeHue } from "../../ui/looks";
import { Panel } from "../../ui/panel";

const DAY_MS = 86_400_000;
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21];

/** The UTC offset of *zone* at *at*, in minutes. */
function offset(at: number, zone: string): number {
  const here = civil(at, zone);
  const utc = civil(at, "UTC");
  return (((here.weekday - utc.weekday + 10) % 7) - 3) * 1440 + here.minute - utc.minute;
}

/** The instant at which the day of *zone* that holds *at* begins. */
function midnight(at: number, zone: string): number {
  const guess = at - civil(at, zone).minute * 60_000 - (at % 60_000);
  return guess - civil(guess, zone).minute * 60_000; // once more, for a day on which the clocks changed
}

export function Week({ document }: { document: Json }) {
  const zone = String(document.timezone ?? "UTC");
  const now = useNow();
  const today = midnight(now, zone);
  const windows = useMemo(() => windowsOf(document, zone), [document, zone]);
  const days = useMemo(
    () =>
      Array.from({ length: 7 }, (_, index) => {
        const start = midnight(today + index * DAY_MS + DAY_MS / 2, zone);
        const next = midnight(start + DAY_MS * 1.5, zone);
        const change = (offset(next, zone) - offset(start, zone)) / 60;
        return { start, next, change };
      }),
    [today, zone],
  );
  if (windows.length === 0)
    return (
      <Panel title="Week">
        <Empty title="The plan has no schedule windows">A task may start at any time.</Empty>
      </Panel>
    );
  return (
    <Panel title={`The coming week in ${zone}`}>
      <div className="week" role="table" aria-label="Windows by day">
        <div role="row" className="week-row">
          <span role="columnheader" className="faint small">
            Window
          </span>
          {days.map(({ start, change }) => (
            <span key={start} role="columnheader" className="small">
              {day(start, zone)}
              {change ? (
                <b
                  className="dst"
                  title={`The clocks go ${change > 0 ? "forward" : "back"} by ${Math.abs(change)} h: this day has ${24 - change} hours`}
                >
                  {24 - change} h
                </b>
              ) : null}
            </span>
          ))}
        </div>
        {windows.map((hours) => (
          <div role="row" className="week-row" key={hours.name}>
            <span role="rowheader" title={hours.description}>
              {hours.name.replaceAll("_", " ")}
              {hours.zone === zone ? null : <span className="faint small"> in {hours.zone}</span>}
            </span>
            {days.map(({ start, next }) => (
              <span
                key={start}
                role="cell"
                className="week-day"
                aria-label={said(hours, start, next)}
              >
                {spans(hours, start, next).map(([from, to]) => (
                  <i
                    key={from}
                    className={`bar ${modeHue(hours.name)}`}
                    style={{ left: `${100 * from}%`, width: `${100 * (to - from)}%` }}
                  />
                ))}
                {HOURS.map((hour) => (
                  <u key={hour} style={{ left: `${(100 * hour) / 24}%` }} />
                ))}
                {now >= start && now < next ? (
                  <b
                    className="now"
                    style={{ left: `${(100 * (now - start)) / (next - start)}%` }}
                  />
                ) : null}
              </span>
            ))}
          </div>
        ))}
      </div>
      <p className="small faint">
        Each column is a day from 0 to 24 h; the line is now.{" "}
        {windows
          .map((hours) => hours.description)
          .filter(Boolean)
          .join(" · ")}
      </p>
    </Panel>
  );
}

type Hours = ReturnType<typeof windowsOf>[number];

/** The parts of a day in which a window is open, between 0 and 1. */
function spans(hours: Hours, start: number, next: number): [number, number][] {
  const found: [number, number][] = [];
  const steps = Math.round((next - start) / 900_000);
  let from: number | null = null;
  for (let step = 0; step <= steps; step += 1) {
    const open = step < steps && isWithin(hours, civil(start + step * 900_000, hours.zone));
    if (open && from === null) from = step / steps;
    if (!open && from !== null) {
      found.push([from, step / steps]);
      from = null;
    }
  }
  return found;
}

function said(hours: Hours, start: number, next: number): string {
  const parts = spans(hours, start, next).map(([from, to]) => {
    const text = (part: number) => {
      const minute = Math.round((part * (next - start)) / 60_000);
      return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    };
    return `${text(from)} to ${text(to)}`;
  });
  return parts.length ? parts.join(", ") : "closed";
}
