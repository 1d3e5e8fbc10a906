import { describe, expect, it } from "vitest";
import { inOrder, neighbour, show } from "./queue";
import { incident } from "./testing/samples";

const ids = (rows: readonly { incident: { id: string } }[]) => rows.map((row) => row.incident.id);

describe("the queue's order", () => {
  it("is by priority, then by the time that is left, then by age", () => {
    const queue = inOrder([
      incident("late", { priority: "P2", due_at: "2026-05-04T12:50:00.000Z" }),
      incident("soon", { priority: "P2", due_at: "2026-05-04T12:42:00.000Z" }),
      incident("shift", { priority: "P4", due_at: null }),
      incident("older shift", { priority: "P4", due_at: null, opened_at: "2026-05-04T10:00:00.000Z" }),
      incident("fire", { priority: "P1", due_at: "2026-05-04T13:00:00.000Z" }),
    ]);
    expect(queue.map(({ id }) => id)).toEqual(["fire", "soon", "late", "older shift", "shift"]);
  });
});

describe("a queue that is being read", () => {
  const before = show([], [incident("a"), incident("b", { priority: "P3" })], false).rows;

  it("keeps its rows where they are and lets what is new wait", () => {
    const fire = incident("c", { priority: "P1" });
    const shown = show(before, [incident("b", { priority: "P1" }), incident("a"), fire], true);
    expect(ids(shown.rows)).toEqual(["a", "b"]);
    expect(shown.rows[1]?.incident.priority).toBe("P1");
    expect(shown.waiting).toEqual([fire]);
  });

  it("greys what is gone instead of pulling up what is below", () => {
    const shown = show(before, [incident("b", { priority: "P3" })], true);
    expect(shown.rows.map(({ isGone }) => isGone)).toEqual([true, false]);
  });

  it("shows everything in order once it is let go", () => {
    const shown = show(before, [incident("b", { priority: "P3" }), incident("c", { priority: "P1" })], false);
    expect(ids(shown.rows)).toEqual(["c", "b"]);
    expect(shown.waiting).toEqual([]);
  });
});

describe("moving by key", () => {
  const { rows } = show([], [incident("a", { priority: "P1" }), incident("b")], false);

  it.each([
    [null, 1, "a"],
    [null, -1, "b"],
    ["a", 1, "b"],
    ["b", 1, "b"],
    ["a", -1, "a"],
  ] as const)("from %s by %i is %s", (from, step, to) => {
    expect(neighbour(rows, from, step)).toBe(to);
  });

  it("finds nothing in an empty queue", () => {
    expect(neighbour([], null, 1)).toBeNull();
  });
});
