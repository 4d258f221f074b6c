/** The part of a long list that is here. */
import { expect, test } from "vitest";
import { at, nothing, PAGE, pagesOf, rowsHere, topOf, withPage } from "../src/views/tasks/held";

const page = (n: number) => Array.from({ length: PAGE }, (_, index) => n * PAGE + index);

test("a row is found where the list has it, and nothing where its page is not here", () => {
  const held = withPage(
    withPage(nothing<number>(), "all", 0, page(0), 1_000),
    "all",
    7,
    page(7),
    1_000,
  );
  expect(at(held, 3)).toBe(3);
  expect(at(held, 7 * PAGE + 3)).toBe(7 * PAGE + 3);
  expect(at(held, 2 * PAGE)).toBeUndefined();
  expect(rowsHere(held)).toEqual([...page(0), ...page(7)]);
});

test("a page of another list begins anew", () => {
  const held = withPage(withPage(nothing<number>(), "all", 0, page(0), 1_000), "some", 0, [5], 1);
  expect(held).toEqual({ key: "some", total: 1, pages: new Map([[0, [5]]]) });
});

test("what is looked at names pages that exist", () => {
  expect(pagesOf(1_000, 95, 120)).toEqual([0, 1]);
  expect(pagesOf(1_000, 990, 1_030)).toEqual([9]);
  expect(pagesOf(0, 0, 40)).toEqual([0]);
});

test("who comes back sees the top alone", () => {
  const held = withPage(
    withPage(nothing<number>(), "all", 0, page(0), 1_000),
    "all",
    7,
    page(7),
    1_000,
  );
  expect([...topOf(held).pages.keys()]).toEqual([0]);
  expect(topOf(nothing())).toEqual(nothing());
});
