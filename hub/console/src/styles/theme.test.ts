import { describe, expect, it } from "vitest";
import CSS from "./theme.css?raw";

/** The tokens of one theme. */
function tokens(theme: "light" | "dark"): Readonly<Record<string, string>> {
  const start = CSS.indexOf(`:root[data-theme="${theme}"]`);
  const block = CSS.slice(start, CSS.indexOf("}", start));
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour]),
  );
}

/** Contrast of two colours as WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const TEXT: readonly (readonly [string, string])[] = [
  ...["paper", "surface", "surface-2", "ground", "p1-wash", "p2-wash", "p3-wash", "p4-wash"].flatMap(
    (ground) => ["ink", "ink-2", "ink-3"].map((ink) => [ink, ground] as const),
  ),
  ["accent", "surface"],
  ["accent", "paper"],
  ["accent-ink", "accent"],
  ["surface", "ink"],
  ["p1-ink", "p1"],
  ["p2-ink", "p2"],
  ["p3-ink", "p3"],
  ["p4-ink", "p4"],
  ["level-ink", "level-0"],
  ["level-ink", "level-1"],
  ["level-ink", "level-2"],
  ["level-ink", "level-3"],
  ["level-4-ink", "level-4"],
];
const EDGES: readonly (readonly [string, string])[] = [
  ["line-strong", "surface"],
  ["accent", "surface-2"],
  ["hole", "ground"],
];

describe.each(["light", "dark"] as const)("the %s theme", (theme) => {
  const colours = tokens(theme);
  const of = (name: string) => {
    const colour = colours[name];
    if (colour === undefined) throw new Error(`no token ${name}`);
    return colour;
  };

  it.each(TEXT)("writes %s on %s with at least 4.5 to 1", (ink, ground) => {
    expect(contrast(of(ink), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(EDGES)("draws %s on %s with at least 3 to 1", (edge, ground) => {
    expect(contrast(of(edge), of(ground))).toBeGreaterThanOrEqual(3);
  });

  it("has levels that go one way, so that more is always darker or always lighter", () => {
    const steps = [0, 1, 2, 3, 4].map((level) => luminance(of(`level-${level}`)));
    const sorted = [...steps].sort((a, b) => (theme === "light" ? b - a : a - b));
    expect(steps).toEqual(sorted);
  });
});
