import { describe, expect, test } from "vitest";
import { civil, isWithin, windowChanges, windowsOf } from "../src/format/windows";
import { changed, lookUp, steps, write } from "../src/views/plan/paths";

const plan = {
  agents: [{ name: "Main", hours: [1, 2, 3] }, { name: "Heals" }],
  global_constraints: { max: 4 },
};

describe("places of a plan", () => {
  test("a path is read as its steps", () => {
    expect(steps("agents[0].hours[2]")).toEqual(["agents", 0, "hours", 2]);
    expect(steps("agents[Main].mode")).toEqual(["agents", "Main", "mode"]);
    expect(steps("")).toEqual([]);
  });

  test("a change touches nothing else and does not change the original", () => {
    const after = changed(plan, ["agents", 1, "mode"], "quest") as typeof plan;
    expect(lookUp(after, ["agents", 1, "mode"])).toBe("quest");
    expect(after.agents[0]).toBe(plan.agents[0]);
    expect(lookUp(plan, ["agents", 1, "mode"])).toBeUndefined();
  });

  test("what is set to nothing is taken away, of a list too", () => {
    expect(changed(plan, ["global_constraints", "max"], undefined)).toMatchObject({
      global_constraints: {},
    });
    expect((changed(plan, ["agents", 0], undefined) as typeof plan).agents).toEqual([
      { name: "Heals" },
    ]);
  });

  test("what is written says the same, with short lists on one line", () => {
    expect(JSON.parse(write(plan))).toEqual(plan);
    expect(write(plan)).toContain('"hours": [1, 2, 3]');
  });
});

describe("windows", () => {
  const night = windowsOf(
    {
      schedule_windows: {
        night: { start_time: "22:00", end_time: "06:00", days_of_week: ["friday"] },
      },
    },
    "UTC",
  )[0];

  test("a window over midnight belongs to the day on which it begins", () => {
    if (!night) throw new Error("the window was not read");
    expect(isWithin(night, { weekday: 4, minute: 23 * 60 })).toBe(true);
    expect(isWithin(night, { weekday: 5, minute: 5 * 60 })).toBe(true);
    expect(isWithin(night, { weekday: 4, minute: 5 * 60 })).toBe(false);
  });

  test("the clock is the zone's", () => {
    expect(civil(Date.parse("2026-11-26T23:30:00Z"), "Asia/Tokyo")).toEqual({
      weekday: 4,
      minute: 8 * 60 + 30,
    });
  });

  test("the next opening is found to the minute", () => {
    const now = Date.parse("2026-11-26T06:41:20Z");
    const [first] = windowChanges(
      { schedule_windows: { peak_hours: { start_time: "09:00", end_time: "22:00" } } },
      "UTC",
      now,
    );
    expect(first).toEqual({ at: Date.parse("2026-11-26T09:00:00Z"), text: "peak hours opens" });
  });
});
