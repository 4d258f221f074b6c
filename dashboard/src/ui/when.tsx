/** An instant, in the plan's zone; hovering tells it in the viewer's zone and in UTC too. */

import { at, duration, fully, instant, relative } from "../format/time";
import { useNow } from "../live/hooks";
import { useZone } from "../shell/zone";

export function When({
  iso,
  as = "clock",
}: {
  iso: string | null | undefined;
  as?: "clock" | "ago";
}) {
  const zone = useZone();
  const now = useNow();
  const value = at(iso);
  if (value === null) return <span className="faint">–</span>;
  return (
    <time dateTime={iso ?? ""} title={fully(value, zone)} className="nowrap">
      {as === "ago" ? relative(value, now) : instant(value, zone, now)}
    </time>
  );
}

/** What is left until an instant, counted down. */
export function Countdown({ iso }: { iso: string }) {
  const zone = useZone();
  const now = useNow();
  const value = at(iso);
  if (value === null) return null;
  const left = Math.max(0, Math.round((value - now) / 1000));
  return (
    <time dateTime={iso} title={fully(value, zone)} className="nowrap">
      {left === 0 ? "now" : `in ${duration(left)}`}
    </time>
  );
}

/** How long something has lasted since an instant. */
export function Since({ iso }: { iso: string | null | undefined }) {
  const now = useNow();
  const value = at(iso);
  if (value === null) return <span className="faint">–</span>;
  return (
    <span className="num nowrap">{duration(Math.max(0, Math.round((now - value) / 1000)))}</span>
  );
}
