import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

export type Language = "en" | "zh-CN";
export type ThemeChoice = "auto" | "light" | "dark";

/** What a person chose on this machine. `volume` in tenths; sound is off until they ask for it. */
export interface Preferences {
  readonly language: Language;
  readonly theme: ThemeChoice;
  readonly sound: boolean;
  readonly volume: number;
  readonly site: string | null;
}

const KEY = "gatehouse.preferences";

/** Chinese for a browser that asks for it, else English. */
export function languageOf(wanted: readonly string[]): Language {
  const first = wanted.find((tag) => /^(zh|en)\b/i.test(tag));
  return first?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** What was stored, field by field; whatever does not fit is as if it had never been chosen. */
export function readPreferences(stored: string | null, wanted: readonly string[]): Preferences {
  let found: Partial<Record<keyof Preferences, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(stored ?? "{}");
    if (typeof parsed === "object" && parsed !== null) found = parsed;
  } catch {
    found = {};
  }
  const { language, theme, sound, volume, site } = found;
  return {
    language: language === "en" || language === "zh-CN" ? language : languageOf(wanted),
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    sound: sound === true,
    volume: typeof volume === "number" && volume >= 1 && volume <= 10 ? Math.round(volume) : 5,
    site: typeof site === "string" ? site : null,
  };
}

interface Held {
  readonly preferences: Preferences;
  readonly prefer: (change: Partial<Preferences>) => void;
}

const PreferencesContext = createContext<Held | null>(null);

/** What was chosen, and how to choose otherwise. */
export function usePreferences(): Held {
  const held = useContext(PreferencesContext);
  if (held === null) throw new Error("usePreferences needs a PreferencesProvider above it");
  return held;
}

/** Holds the preferences and keeps them in this browser. */
export function PreferencesProvider({ children }: { readonly children: ReactNode }) {
  const [preferences, setPreferences] = useState(() =>
    readPreferences(localStorage.getItem(KEY), navigator.languages),
  );
  useEffect(() => {
    localStorage.setItem(KEY, JSON.stringify(preferences));
    document.documentElement.lang = preferences.language;
  }, [preferences]);
  const prefer = (change: Partial<Preferences>) => setPreferences((before) => ({ ...before, ...change }));
  return <PreferencesContext value={{ preferences, prefer }}>{children}</PreferencesContext>;
}
