import { expect, it } from "vitest";
import { loadLevel, loadOf, SPANS } from "./load";
import { incident } from "./testing/samples";

const NOW = Date.parse("2026-05-04T12:45:00.000Z");

it("counts each incident in the ten minutes in which it opened, the present ones last", () => {
  const spans = loadOf(
    [
      incident("now", { opened_at: "2026-05-04T12:41:00.000Z" }),
      incident("on the edge", { opened_at: "2026-05-04T12:40:00.000Z" }),
      incident("before", { opened_at: "2026-05-04T12:39:59.999Z" }),
      incident("long ago", { opened_at: "2026-05-04T10:00:00.000Z" }),
    ],
    NOW,
  );
  expect(spans).toHaveLength(SPANS);
  expect(spans.slice(-2)).toEqual([1, 2]);
  expect(spans.reduce((sum, n) => sum + n)).toBe(3);
});

it("leaves out what was never put before anybody and what is counted in another", () => {
  const spans = loadOf(
    [incident("late", { historical: true }), incident("merged", { merged_into: "x" })],
    NOW,
  );
  expect(spans.every((n) => n === 0)).toBe(true);
});

it.each([
  [2, "calm"],
  [3, "busy"],
  [10, "busy"],
  [11, "flood"],
] as const)("calls %i %s", (n, level) => {
  expect(loadLevel(n)).toBe(level);
});
