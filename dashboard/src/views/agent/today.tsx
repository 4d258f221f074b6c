/** The day of an agent as a strip: hours it prefers or avoids, its breaks, and now. */
import { useQuery } from "@tanstack/react-query";
import { plan } from "../../api/endpoints";
import type { Agent, Json } from "../../api/types";
import { civil } from "../../format/windows";
import { useNow } from "../../live/hooks";
import { useZone } from "../../shell/zone";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

function minutes(text: unknown): number {
  const [hour = 0, minute = 0] = String(text).split(":").map(Number);
  return hour * 60 + minute;
}

export function Today({ agent }: { agent: Agent }) {
  const zone = useZone();
  const now = useNow();
  const inForce = useQuery({ queryKey: ["plan"], queryFn: plan.show, staleTime: 30_000 });
  const listed = inForce.data?.data.plan.agents;
  const own = (Array.isArray(listed) ? listed : []).find((one: Json) => one.name === agent.name) as
    | Json
    | undefined;
  const preferences = own?.schedule_preferences as Json | undefined;
  if (!preferences) return null;
  const has = (key: string, hour: number) =>
    Array.isArray(preferences[key]) && (preferences[key] as unknown[]).includes(hour);
  const breaks = Array.isArray(preferences.cooldown_periods)
    ? (preferences.cooldown_periods as Json[])
    : [];
  const kind = (hour: number) =>
    has("avoid_hours", hour) ? "avoid" : has("preferred_hours", hour) ? "prefer" : "plain";
  const here = civil(now, zone).minute;
  const said = `Prefers ${HOURS.filter((hour) => kind(hour) === "prefer").join(", ") || "no hour"}; avoids ${HOURS.filter((hour) => kind(hour) === "avoid").join(", ") || "none"}`;
  return (
    <figure className="today" aria-label={`Hours of ${agent.name}, in ${zone}. ${said}`}>
      <div className="today-hours" aria-hidden="true">
        {HOURS.map((hour) => (
          <span
            key={hour}
            className={kind(hour)}
            title={`${hour}:00, ${kind(hour) === "avoid" ? "avoided" : kind(hour) === "prefer" ? "preferred" : "neither"}`}
          >
            {hour % 3 === 0 ? hour : ""}
          </span>
        ))}
        {breaks.map((one) => (
          <i
            key={`${one.start}`}
            className="break"
            style={{
              left: `${(100 * minutes(one.start)) / 1440}%`,
              width: `${(100 * (minutes(one.end) - minutes(one.start))) / 1440}%`,
            }}
            title={`${String(one.reason ?? "break").replaceAll("_", " ")} ${one.start}–${one.end}`}
          />
        ))}
        <b style={{ left: `${(100 * here) / 1440}%` }} />
      </div>
      <figcaption className="small faint">
        <span>
          <i className="key prefer" /> preferred
        </span>{" "}
        <span>
          <i className="key avoid" /> avoided
        </span>{" "}
        {breaks.length ? (
          <span>
            <i className="key break" /> break
          </span>
        ) : null}{" "}
        <span>{zone}</span>
        {typeof preferences.max_daily_runtime === "number" ? (
          <span>at most {preferences.max_daily_runtime} h a day</span>
        ) : null}
      </figcaption>
    </figure>
  );
}
