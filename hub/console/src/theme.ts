import { useEffect } from "react";
import { useNow } from "./now";
import { type ThemeChoice, usePreferences } from "./preferences";
import { hourAt } from "./time";

const DAY_FROM = 7;
const DAY_UNTIL = 19;

export type Theme = "light" | "dark";

/** Light by day and dark by night at the place itself, unless one was chosen. */
export function themeFor(choice: ThemeChoice, hour: number): Theme {
  if (choice !== "auto") return choice;
  return hour >= DAY_FROM && hour < DAY_UNTIL ? "light" : "dark";
}

/** Dress the page; `forced` for the wall, which is always dark. Without a zone, by this machine's own clock. */
export function useTheme(zone?: string, forced?: Theme): void {
  const { theme } = usePreferences().preferences;
  const now = useNow(60_000);
  const hour = zone === undefined ? new Date(now).getHours() : hourAt(now, zone);
  const wanted = forced ?? themeFor(theme, hour);
  useEffect(() => {
    document.documentElement.dataset.theme = wanted;
  }, [wanted]);
}
