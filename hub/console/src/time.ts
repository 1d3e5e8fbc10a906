import type { Language } from "./preferences";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([language, zone, options]);
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language === "en" ? "en-GB" : "zh-CN", { timeZone: zone, ...options });
  formats.set(key, made);
  return made;
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;

/** `22:41`, in the site's zone. */
export function clockTime(at: number, zone: string, language: Language): string {
  return format(language, zone, CLOCK).format(at);
}

/** `22:41:07`, in the site's zone. */
export function clockTimeWithSeconds(at: number, zone: string, language: Language): string {
  return format(language, zone, { ...CLOCK, second: "2-digit" }).format(at);
}

/** `3 Nov`, in the site's zone. */
export function monthDay(at: number, zone: string, language: Language): string {
  return format(language, zone, { day: "numeric", month: "short" }).format(at);
}

/** Date, time, seconds and zone: what is shown on hover. */
export function fullTime(at: number, zone: string, language: Language): string {
  const moment = format(language, zone, { dateStyle: "medium", timeStyle: "medium" }).format(at);
  return `${moment} ${zoneLabel(at, zone, language)}`;
}

/** `Asia/Shanghai, GMT+8`. */
export function zoneLabel(at: number, zone: string, language: Language): string {
  const parts = format(language, zone, { timeZoneName: "shortOffset" }).formatToParts(at);
  const offset = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return `${zone}, ${offset}`;
}

/** Whether two moments fall on one day of the site. */
export function sameDay(one: number, other: number, zone: string): boolean {
  const day = format("en", zone, { dateStyle: "short" });
  return day.format(one) === day.format(other);
}

/** Hour of the day at the site, 0 to 23. */
export function hourAt(at: number, zone: string): number {
  return Number(format("en", zone, { hour: "2-digit", hourCycle: "h23" }).format(at));
}

/** `0:42`, `12:05`, `1:02:05`; a minus sign once it has run out. */
export function countdown(leftMs: number): string {
  const seconds = Math.abs(Math.trunc(leftMs / 1_000));
  const sign = leftMs <= -1_000 ? "−" : "";
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3_600);
  return hours > 0
    ? `${sign}${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${sign}${minutes}:${two(seconds % 60)}`;
}

/** A span in its largest whole unit, for `age.s`, `age.min`, `age.h`, `age.d`. */
export function ageOf(ms: number): { readonly unit: "s" | "min" | "h" | "d"; readonly n: number } {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 90) return { unit: "s", n: s };
  if (s < 90 * 60) return { unit: "min", n: Math.floor(s / 60) };
  if (s < 36 * 3_600) return { unit: "h", n: Math.floor(s / 3_600) };
  return { unit: "d", n: Math.floor(s / 86_400) };
}
