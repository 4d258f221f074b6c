/** When schedule windows open and close, as shown beside the truth: the coordinator decides, not this. */
import type { Json } from "../api/types";

export interface Hours {
  name: string;
  /** Minutes of the day; `to` may be earlier than `from`, over midnight. */
  from: number;
  to: number;
  /** Monday is 0. */
  days: readonly number[];
  zone: string;
  description: string;
}

const ALL = [0, 1, 2, 3, 4, 5, 6];
const DAY_NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

function minutes(text: unknown): number {
  const [hour = 0, minute = 0] = String(text ?? "00:00")
    .split(":")
    .map(Number);
  return hour * 60 + minute;
}

function dayNumber(day: unknown): number[] {
  if (typeof day === "number") return [day];
  const found = DAY_NAMES.findIndex((name) =>
    name.startsWith(String(day).toLowerCase().slice(0, 3)),
  );
  return found < 0 ? [] : [found];
}

/** Read the windows of a plan, as far as they can be drawn. */
export function windowsOf(plan: Json, zone: string): Hours[] {
  const windows = plan.schedule_windows;
  if (typeof windows !== "object" || windows === null) return [];
  return Object.entries(windows as Record<string, Json>).flatMap(([name, one]) => {
    if (typeof one !== "object" || one === null) return [];
    const days = Array.isArray(one.days_of_week) ? one.days_of_week.flatMap(dayNumber) : ALL;
    const allDay = one.all_day === true;
    return [
      {
        name,
        from: allDay ? 0 : minutes(one.start_time),
        to: allDay ? 1440 : minutes(one.end_time),
        days: days.length ? days : ALL,
        zone: typeof one.timezone === "string" ? one.timezone : zone,
        description: typeof one.description === "string" ? one.description : "",
      },
    ];
  });
}

interface Civil {
  weekday: number;
  minute: number;
}

/** The weekday (Monday is 0) and minute of the day that a zone's clocks show. */
export function civil(at: number, zone: string): Civil {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "long",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return {
    weekday: Math.max(0, DAY_NAMES.indexOf(part("weekday").toLowerCase())),
    minute: Number(part("hour")) * 60 + Number(part("minute")),
  };
}

/** Whether the clocks of *zone* show a moment within *hours*. */
export function isWithin(hours: Hours, at: Civil): boolean {
  const today = hours.days.includes(at.weekday);
  if (hours.from < hours.to) return today && at.minute >= hours.from && at.minute < hours.to;
  const yesterday = hours.days.includes((at.weekday + 6) % 7);
  return (today && at.minute >= hours.from) || (yesterday && at.minute < hours.to);
}

const STEP_MS = 15 * 60_000;
const AHEAD = 96;

/** Windows that open or close within a day, found by looking at every quarter of an hour and then closer. */
export function windowChanges(
  plan: Json,
  zone: string,
  now: number,
): { at: number; text: string }[] {
  return windowsOf(plan, zone).flatMap((hours) => {
    const isOpen = (at: number) => isWithin(hours, civil(at, hours.zone));
    const before = isOpen(now);
    for (let step = 1; step <= AHEAD; step += 1) {
      let late = now + step * STEP_MS;
      if (isOpen(late) === before) continue;
      let early = late - STEP_MS;
      while (late - early > 60_000) {
        const middle = (early + late) / 2;
        if (isOpen(middle) === before) early = middle;
        else late = middle;
      }
      const minute = Math.round(late / 60_000) * 60_000;
      return [
        { at: minute, text: `${hours.name.replaceAll("_", " ")} ${before ? "closes" : "opens"}` },
      ];
    }
    return [];
  });
}
