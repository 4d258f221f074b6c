import { expect, test } from "vitest";
import { suspectOnly } from "../src/views/now/tiles";

test("an agent whose end is known is lost once, though it may hold work still", () => {
  const agents = [
    { status: "offline", suspect: true },
    { status: "offline", suspect: false },
    { status: "busy", suspect: true },
    { status: "online", suspect: false },
  ] as const;
  expect(suspectOnly(agents)).toBe(1);
});
