/** How fresh what is shown is: a pure judgement from when the server was last heard. */
import type { Beat } from "./frames";

export type Link =
  | { state: "connecting" }
  | { state: "live" }
  /** Values are taken every so often, because the viewer asked for that. */
  | { state: "sampled"; everyS: number; ageS: number }
  | { state: "behind"; seconds: number }
  /** `seconds` since anything was heard; null when nothing ever was. */
  | { state: "disconnected"; seconds: number | null };

/** A beat comes every two seconds; two that are missing is late, five is silence. */
export const LATE_S = 4;
export const SILENT_S = 10;

export interface Heard {
  /** When anything was last heard, on the viewer's clock that never jumps. */
  atMs: number | null;
  /** Whether the connection is known to be down. */
  broken: boolean;
  beat: Beat | null;
  /** Null when live. */
  everyS: number | null;
}

export function judge(heard: Heard, nowMs: number): Link {
  if (heard.atMs === null) {
    return heard.broken ? { state: "disconnected", seconds: null } : { state: "connecting" };
  }
  const silence = Math.max(0, (nowMs - heard.atMs) / 1000);
  if (heard.everyS !== null) {
    const missed = silence > heard.everyS + SILENT_S;
    if (heard.broken || missed) return { state: "disconnected", seconds: Math.round(silence) };
    return { state: "sampled", everyS: heard.everyS, ageS: Math.round(silence) };
  }
  if (silence > SILENT_S || heard.broken) {
    return { state: "disconnected", seconds: Math.round(silence) };
  }
  const behind = Math.max(silence > LATE_S ? silence : 0, heard.beat?.behind_s ?? 0);
  return behind >= 2 ? { state: "behind", seconds: Math.round(behind) } : { state: "live" };
}

/** What is wrong between the server and the fleet, as a sentence; null when nothing is. */
export function trouble(beat: Beat | null): string | null {
  if (beat === null) return null;
  if (!beat.bus) return "The bus is unreachable: the fleet may be working, but nobody can see it.";
  switch (beat.coordinator) {
    case "online":
    case "draining":
      return null;
    case "recovering":
      return "The coordinator is recovering: it offers nothing until every holder is heard.";
    case "safe":
      return "The coordinator is in safe mode: its store cannot be written, so nothing is assigned.";
    case "offline":
      return "The coordinator is gone: tasks that run go on under their leases, nothing new starts.";
    default:
      return "The coordinator has not been heard yet.";
  }
}

/** Whether what is shown may no longer be so. */
export function isStale(link: Link, beat: Beat | null): boolean {
  if (link.state === "disconnected") return true;
  return beat !== null && (!beat.bus || beat.coordinator === "offline");
}
