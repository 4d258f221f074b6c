import { describe, expect, test } from "vitest";
import { percent, plural, unitOf } from "../src/format/numbers";
import { at, clock, duration, fully, instant, relative } from "../src/format/time";
import { plain, reason, titled } from "../src/format/words";

const MORNING = Date.parse("2026-11-24T14:02:11.000Z");

describe("time", () => {
  test.each([
    [0.4, "0.4s"],
    [9.96, "10s"],
    [59.6, "1m"],
    [48, "48s"],
    [125, "2m 05s"],
    [7_500, "2h 05m"],
    [3_600, "1h"],
    [273_600, "3d 04h"],
    [-30, "−30s"],
    [Number.NaN, "–"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test("an instant of today is a clock, of another day it has the day, in the zone asked for", () => {
    expect(instant(MORNING, "UTC", MORNING + 60_000)).toBe("14:02:11");
    expect(instant(MORNING, "UTC", MORNING + 86_400_000)).toBe("Tue 24 Nov 14:02");
    expect(clock(MORNING, "America/New_York")).toBe("09:02");
  });

  test("two hours of the night that the clock is turned back are told apart in UTC", () => {
    const first = fully(Date.parse("2026-10-25T00:30:00Z"), "Europe/Berlin");
    const second = fully(Date.parse("2026-10-25T01:30:00Z"), "Europe/Berlin");
    expect(first).toContain("02:30:00");
    expect(second).toContain("02:30:00");
    expect(first).toContain("2026-10-25T00:30:00");
    expect(second).toContain("2026-10-25T01:30:00");
  });

  test("ages and countdowns say which way", () => {
    expect(relative(MORNING - 5_000, MORNING)).toBe("5s ago");
    expect(relative(MORNING + 720_000, MORNING)).toBe("in 12m");
    expect(relative(MORNING, MORNING)).toBe("now");
  });

  test("what is no instant is none", () => {
    expect(at(null)).toBeNull();
    expect(at("yesterday")).toBeNull();
  });
});

describe("words and numbers", () => {
  test("a code nobody knows is still readable", () => {
    expect(reason("SOMETHING_NEW")).toBe("Something new");
    expect(titled("medic_follow")).toBe("Medic follow");
    expect(plain("AGENT_BUSY")).toBe("agent busy");
  });

  test("one is one and many are many", () => {
    expect(plural(1, "task")).toBe("1 task");
    expect(plural(12_408, "task")).toBe("12,408 tasks");
    expect(percent(1, 0)).toBe("0 %");
    expect(percent(2, 3)).toBe("67 %");
  });

  test("a metric's name tells its unit", () => {
    expect(unitOf("cpu_usage")).toBe("%");
    expect(unitOf("network_latency")).toBe("ms");
    expect(unitOf("fps")).toBe("");
  });
});
