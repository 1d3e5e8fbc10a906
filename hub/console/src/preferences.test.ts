import { describe, expect, it } from "vitest";
import { languageOf, readPreferences } from "./preferences";
import { themeFor } from "./theme";

describe("the language", () => {
  it.each([
    [["zh-TW", "en"], "zh-CN"],
    [["fr-FR", "zh-CN", "en"], "zh-CN"],
    [["de-DE"], "en"],
    [[], "en"],
  ] as const)("for a browser that wants %s is %s", (wanted, language) => {
    expect(languageOf(wanted)).toBe(language);
  });
});

describe("stored preferences", () => {
  it("are taken field by field, and what does not fit is as if never chosen", () => {
    const stored = JSON.stringify({ language: "tlh", theme: "dark", sound: "yes", volume: 99, site: 7 });
    expect(readPreferences(stored, ["zh-CN"])).toEqual({
      language: "zh-CN",
      theme: "dark",
      sound: false,
      volume: 5,
      site: null,
    });
  });

  it.each([null, "", "not json", "[]", "null", "3"])("of %s give the defaults, with sound off", (stored) => {
    expect(readPreferences(stored, [])).toMatchObject({ language: "en", theme: "auto", sound: false });
  });
});

it.each([
  ["auto", 6, "dark"],
  ["auto", 7, "light"],
  ["auto", 18, "light"],
  ["auto", 19, "dark"],
  ["light", 2, "light"],
  ["dark", 12, "dark"],
] as const)("the theme %s at %i o'clock is %s", (choice, hour, theme) => {
  expect(themeFor(choice, hour)).toBe(theme);
});
