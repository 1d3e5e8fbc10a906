import { describe, expect, it } from "vitest";
import en from "./strings/en.json";
import zhCN from "./strings/zh-CN.json";
import { textIn, wordFor } from "./text";

const parameters = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("the strings", () => {
  it("have the same keys in both languages", () => {
    expect(Object.keys(zhCN)).toEqual(Object.keys(en));
  });

  it.each(Object.keys(en) as (keyof typeof en)[])(
    "%s is written in both and takes the same parameters",
    (key) => {
      expect(en[key].trim()).not.toBe("");
      expect(zhCN[key].trim()).not.toBe("");
      expect(parameters(zhCN[key])).toEqual(parameters(en[key]));
    },
  );

  it("come in pairs where a number decides", () => {
    const ones = Object.keys(en).filter(
      (key) => key.endsWith(".one") && !/^(device|incident)\.one$/.test(key),
    );
    for (const key of ones) expect(en).toHaveProperty([key.replace(/one$/, "other")]);
  });
});

describe("a text", () => {
  it("takes the form that the language wants for a number", () => {
    expect(textIn("en").count("queue.events", 1)).toBe("1 event");
    expect(textIn("en").count("queue.events", 3)).toBe("3 events");
    expect(textIn("zh-CN").count("queue.events", 1)).toBe("1 条告警");
  });

  it("falls back to the other language's name, then to the id", () => {
    expect(textIn("zh-CN").named({ en: "Shed", "zh-CN": null })).toBe("Shed");
    expect(textIn("en").named({ en: null, "zh-CN": "车棚" })).toBe("车棚");
    expect(textIn("en").named(undefined, "shed_2")).toBe("shed_2");
  });

  it("shows the bare word of a newer hub", () => {
    expect(wordFor(textIn("en"), "kind", "flood_rising")).toBe("flood rising");
  });
});
