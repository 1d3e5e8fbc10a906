import { expect, it } from "vitest";
import { chimeFor } from "./chime";
import { incident } from "./testing/samples";

it.each([
  ["a new P1 sounds as P1, whatever else is new", [incident("a"), incident("b", { priority: "P1" })], "P1"],
  ["a new P2 sounds as P2", [incident("a")], "P2"],
  ["P3 and P4 are silent", [incident("a", { priority: "P3" }), incident("b", { priority: "P4" })], null],
  ["what was known is silent", [incident("known", { priority: "P1" })], null],
  ["what somebody has acknowledged already is silent", [incident("a", { state: "acknowledged" })], null],
  ["a drill is silent", [incident("a", { priority: "P1", drill: true })], null],
  ["what arrived late pages nobody", [incident("a", { priority: "P1", historical: true })], null],
] as const)("%s", (_, incidents, priority) => {
  expect(chimeFor(new Set(["known"]), incidents)).toBe(priority);
});
