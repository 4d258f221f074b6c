import { describe, expect, test } from "vitest";
import { isStale, judge, trouble } from "../src/live/link";

const beat = { at: "", coordinator: "online", bus: true, behind_s: 0 };
const heard = { atMs: 1_000, broken: false, beat, everyS: null };

describe("how fresh the page is", () => {
  test("nothing heard yet is connecting, and disconnected once that failed", () => {
    expect(judge({ ...heard, atMs: null }, 0).state).toBe("connecting");
    expect(judge({ ...heard, atMs: null, broken: true }, 0).state).toBe("disconnected");
  });

  test("a beat lately heard is live", () => {
    expect(judge(heard, 3_500)).toEqual({ state: "live" });
  });

  test("two missed beats are so many seconds behind", () => {
    expect(judge(heard, 6_400)).toEqual({ state: "behind", seconds: 5 });
  });

  test("the server's own word of being behind counts too", () => {
    expect(judge({ ...heard, beat: { ...beat, behind_s: 7 } }, 1_000)).toEqual({
      state: "behind",
      seconds: 7,
    });
  });

  test("silence, or a broken connection, is disconnected", () => {
    expect(judge(heard, 12_000).state).toBe("disconnected");
    expect(judge({ ...heard, broken: true }, 1_100).state).toBe("disconnected");
  });

  test("taken every thirty seconds, it is as old as the last look", () => {
    expect(judge({ ...heard, everyS: 30 }, 26_000)).toEqual({
      state: "sampled",
      everyS: 30,
      ageS: 25,
    });
    expect(judge({ ...heard, everyS: 30 }, 60_000).state).toBe("disconnected");
  });

  test("values are stale when nobody can know better", () => {
    expect(isStale({ state: "live" }, beat)).toBe(false);
    expect(isStale({ state: "disconnected", seconds: 3 }, beat)).toBe(true);
    expect(isStale({ state: "live" }, { ...beat, coordinator: "offline" })).toBe(true);
    expect(isStale({ state: "live" }, { ...beat, bus: false })).toBe(true);
  });

  test("what is wrong is said in words, and nothing is said when nothing is", () => {
    expect(trouble(beat)).toBeNull();
    expect(trouble({ ...beat, coordinator: "offline" })).toContain("coordinator is gone");
    expect(trouble({ ...beat, bus: false })).toContain("bus is unreachable");
  });
});
