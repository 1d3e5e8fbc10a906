import { useMemo } from "react";
import type { Names } from "./api/types";
import { type Language, usePreferences } from "./preferences";
import en from "./strings/en.json";
import zhCN from "./strings/zh-CN.json";

/** Every text of the console; both languages have the same keys, and a test says so. */
export type TextKey = keyof typeof en;
type Params = Readonly<Record<string, string | number>>;

const STRINGS: Readonly<Record<Language, Readonly<Record<TextKey, string>>>> = { en, "zh-CN": zhCN };

export interface Text {
  readonly language: Language;
  /** The text of a key, with `{name}` filled in. */
  readonly t: (key: TextKey, params?: Params) => string;
  /** `key.one` or `key.other`, whichever the language wants for the number; `{n}` is the number. */
  readonly count: (key: CountKey, n: number) => string;
  /** A name of the site file or the hub: in this language, else in the other, else `otherwise`. */
  readonly named: (names: Names | undefined, otherwise?: string) => string;
}

/** Keys that come as `.one` and `.other`. */
export type CountKey = { [K in TextKey]: K extends `${infer Stem}.other` ? Stem : never }[TextKey];

/** The texts in a language. */
export function textIn(language: Language): Text {
  const strings = STRINGS[language];
  const rules = new Intl.PluralRules(language);
  const t = (key: TextKey, params: Params = {}) =>
    strings[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
  return {
    language,
    t,
    count: (key, n) => t(`${key}.${rules.select(n) === "one" ? "one" : "other"}` as TextKey, { n }),
    named: (names, otherwise = "") =>
      (language === "en" ? (names?.en ?? names?.["zh-CN"]) : (names?.["zh-CN"] ?? names?.en)) ?? otherwise,
  };
}

/** The texts in the chosen language. */
export function useText(): Text {
  const { language } = usePreferences().preferences;
  return useMemo(() => textIn(language), [language]);
}

/** The text of a key made from what the hub said; the bare word where a newer hub says what we do not know yet. */
export function wordFor(text: Text, stem: string, word: string): string {
  const key = `${stem}.${word}`;
  return key in en ? text.t(key as TextKey) : word.replaceAll("_", " ");
}
