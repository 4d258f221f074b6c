import { expect, test } from "vitest";
import { indexOf, lay } from "../src/views/fleet/cells";
import { follow, marks, moved, resized, zoomed } from "../src/views/timeline/span";

test("zooming keeps in place what is under the pointer", () => {
  const span = zoomed({ from: 0, until: 3_600_000 }, 0.5, 0.25);
  expect(span).toEqual({ from: 450_000, until: 2_250_000 });
  expect(moved(span, 0.5)).toEqual({ from: 1_350_000, until: 3_150_000 });
});

test("zooming ends at half a minute and at a month", () => {
  const short = zoomed({ from: 0, until: 40_000 }, 0.01, 0);
  expect(short.until - short.from).toBe(30_000);
  const long = zoomed({ from: 0, until: 86_400_000 }, 1_000, 0);
  expect(long.until - long.from).toBe(31 * 86_400_000);
});

test("now is seen within a span that follows it", () => {
  const span = follow(1_000_000_000, 3_600_000);
  expect(span.from).toBeLessThan(1_000_000_000);
  expect(span.until).toBeGreaterThan(1_000_000_000);
});

test("what follows now is made shorter and longer within the same bounds", () => {
  expect(resized(3_600_000, 0.5)).toBe(1_800_000);
  expect(resized(40_000, 0.1)).toBe(30_000);
  expect(resized(30 * 86_400_000, 2)).toBe(31 * 86_400_000);
});

test("marks are round and far enough apart to be read", () => {
  const found = marks({ from: 5, until: 6 * 3_600_000 }, 900);
  expect(found.every((at) => at % 1_800_000 === 0)).toBe(true);
  expect(found.length).toBeLessThanOrEqual(13);
});

test("every agent has a cell of its own within the width, and is found where it is", () => {
  const groups = Array.from(
    { length: 30 },
    (_, machine) =>
      [`rack ${machine}`, Array.from({ length: 37 }, (_, index) => `${machine}-${index}`)] as const,
  );
  const layout = lay(groups, 1_100);
  const find = indexOf(layout);
  expect(layout.cells).toHaveLength(30 * 37);
  for (const cell of layout.cells) {
    expect(cell.x + layout.size).toBeLessThanOrEqual(1_100);
    expect(find(cell.x + layout.size / 2, cell.y + layout.size / 2)?.name).toBe(cell.name);
  }
  expect(find(-5, -5)).toBeNull();
});
