import { describe, expect, it } from "vitest";
import { ageOf, clockTime, countdown, fullTime, hourAt, sameDay } from "./time";

const AT = Date.parse("2026-05-04T16:30:05.000Z");

describe("the site's clock", () => {
  it("is the site's own, whatever this machine's zone", () => {
    expect(clockTime(AT, "Asia/Shanghai", "en")).toBe("00:30");
    expect(clockTime(AT, "Asia/Shanghai", "zh-CN")).toBe("00:30");
    expect(clockTime(AT, "Europe/Madrid", "en")).toBe("18:30");
  });

  it("says its zone on hover", () => {
    expect(fullTime(AT, "Asia/Shanghai", "en")).toBe("5 May 2026, 00:30:05 Asia/Shanghai, GMT+8");
  });

  it("knows the hour and the day there", () => {
    expect(hourAt(AT, "Asia/Shanghai")).toBe(0);
    expect(sameDay(AT, AT - 3_600_000, "Asia/Shanghai")).toBe(false);
    expect(sameDay(AT, AT - 3_600_000, "Europe/Madrid")).toBe(true);
  });
});

describe("a countdown", () => {
  it.each([
    [42_900, "0:42"],
    [725_000, "12:05"],
    [3_725_000, "1:02:05"],
    [0, "0:00"],
    [-999, "0:00"],
    [-61_000, "−1:01"],
  ])("of %i ms reads %s", (left, text) => {
    expect(countdown(left)).toBe(text);
  });
});

it.each([
  [-5, "s", 0],
  [89_000, "s", 89],
  [90_000, "min", 1],
  [5_400_000, "h", 1],
  [129_600_000, "d", 1],
] as const)("an age of %i ms is told in %s", (ms, unit, n) => {
  expect(ageOf(ms)).toEqual({ unit, n });
});
