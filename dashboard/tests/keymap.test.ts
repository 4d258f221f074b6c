import { describe, expect, test } from "vitest";
import { read, SEQUENCE_MS } from "../src/keyboard/keymap";
import { PLACE_KEYS } from "../src/keyboard/places";

const press = (key: string, more = {}) => ({
  key,
  command: false,
  typing: false,
  atMs: 10_000,
  ...more,
});

describe("the keyboard", () => {
  test("g and a letter go somewhere, if the letter comes soon", () => {
    expect(read(press("g"), null)).toEqual({ kind: "waiting" });
    expect(read(press("a"), 9_500)).toEqual({ kind: "go", key: "a" });
    expect(read(press("a"), 10_000 - SEQUENCE_MS).kind).toBe("nothing");
  });

  test("letters are letters while somebody types, but the palette always opens", () => {
    expect(read(press("x", { typing: true }), null).kind).toBe("nothing");
    expect(read(press("k", { typing: true, command: true }), null).kind).toBe("palette");
  });

  test("other keys of the browser are left alone", () => {
    expect(read(press("r", { command: true }), null).kind).toBe("nothing");
  });

  test("no two places share a key", () => {
    expect(new Set(PLACE_KEYS).size).toBe(PLACE_KEYS.length);
  });
});
