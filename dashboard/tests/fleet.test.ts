import { describe, expect, test } from "vitest";
import type { Agent, FleetEvent } from "../src/api/types";
import { EVENTS_KEPT, fromSnapshot, UNKNOWN, withDelta } from "../src/live/fleet";

const AT = "2026-11-26T06:00:00.000Z";
const agent = (name: string, more: Partial<Agent> = {}) =>
  ({ name, status: "idle", error_count: 0, ...more }) as Agent;
const started = fromSnapshot(UNKNOWN, {
  seq: 10,
  at: AT,
  views: { agents: [agent("Main"), agent("Heals")], tasks: [], events: [], alerts: [] },
});

describe("the fleet as the stream tells it", () => {
  test("a delta before any snapshot is a gap", () => {
    expect(withDelta(UNKNOWN, { seq: 1, at: AT }).gap).toBe(true);
  });

  test("only the changed fields of a record are sent, and the others stay", () => {
    const { fleet } = withDelta(started, {
      seq: 11,
      at: AT,
      agents: { upsert: [{ name: "Main", status: "busy" }] },
    });
    expect(fleet.agents.get("Main")).toMatchObject({ status: "busy", error_count: 0 });
  });

  test("a record that did not change keeps its identity", () => {
    const { fleet } = withDelta(started, {
      seq: 11,
      at: AT,
      agents: { upsert: [{ name: "Main", status: "busy" }] },
    });
    expect(fleet.agents.get("Heals")).toBe(started.agents.get("Heals"));
    expect(fleet.tasks).toBe(started.tasks);
  });

  test("a repeated delta changes nothing", () => {
    const { fleet, gap } = withDelta(started, { seq: 10, at: AT, agents: { remove: ["Main"] } });
    expect(gap).toBe(false);
    expect(fleet).toBe(started);
  });

  test("a delta that builds on another number is a gap and is not applied", () => {
    const applied = withDelta(started, {
      seq: 13,
      after: 12,
      at: AT,
      agents: { remove: ["Main"] },
    });
    expect(applied.gap).toBe(true);
    expect(applied.fleet.agents.has("Main")).toBe(true);
  });

  test("what is removed is gone", () => {
    expect(
      withDelta(started, { seq: 11, at: AT, agents: { remove: ["Main"] } }).fleet.agents.has(
        "Main",
      ),
    ).toBe(false);
  });

  test("events come newest first, once each, and no more than are kept", () => {
    const event = (number: number) =>
      ({ number, at: AT, kind: "x", subject: null, text: "", data: {} }) as FleetEvent;
    const many = Array.from({ length: EVENTS_KEPT + 5 }, (_, index) => event(index));
    const first = withDelta(started, { seq: 11, at: AT, events: many }).fleet;
    const second = withDelta(first, { seq: 12, at: AT, events: [event(EVENTS_KEPT + 4)] }).fleet;
    expect(second.events).toHaveLength(EVENTS_KEPT);
    expect(second.events[0]?.number).toBe(EVENTS_KEPT + 4);
    expect(new Set(second.events.map((one) => one.number)).size).toBe(EVENTS_KEPT);
  });

  test("a snapshot that leaves a view out does not empty it", () => {
    const again = fromSnapshot(started, { seq: 20, at: AT, views: {} });
    expect(again.agents).toBe(started.agents);
    expect(again.seq).toBe(20);
  });

  test("a large fleet is told in rows, and a change to the other way of telling is a gap", () => {
    const columns = ["name", "status"];
    const large = fromSnapshot(UNKNOWN, {
      seq: 1,
      at: AT,
      views: { heat: { columns, rows: [["Main", "idle"]] } },
    });
    const { fleet } = withDelta(large, { seq: 2, at: AT, heat: { upsert: [["Main", "busy"]] } });
    expect(fleet.agents.get("Main")).toMatchObject({ status: "busy", capabilities: [] });
    expect(withDelta(large, { seq: 2, at: AT, agents: { remove: ["Main"] } }).gap).toBe(true);
    expect(withDelta(started, { seq: 11, at: AT, heat: { remove: ["Main"] } }).gap).toBe(true);
  });
});
