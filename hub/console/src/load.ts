import type { Incident } from "./api/types";

/** Ten minutes: the span over which EEMUA 191 counts what one operator is asked to look at. */
export const SPAN_MS = 600_000;
export const SPANS = 12;
/** More than this in ten minutes is more than an operator should have over long; more than `FLOOD` is a flood. */
export const BUSY = 2;
export const FLOOD = 10;

export type LoadLevel = "calm" | "busy" | "flood";

/** How many incidents asked for the operator in each of the last twelve spans, the oldest first. */
export function loadOf(incidents: readonly Incident[], now: number): readonly number[] {
  const spans = new Array<number>(SPANS).fill(0);
  const end = (Math.floor(now / SPAN_MS) + 1) * SPAN_MS;
  for (const incident of incidents) {
    // What arrived late is never put before anybody; what was merged is counted once, in the other.
    if (incident.historical || incident.merged_into !== null) continue;
    const ago = Math.floor((end - 1 - Date.parse(incident.opened_at)) / SPAN_MS);
    if (ago >= 0 && ago < SPANS) spans[SPANS - 1 - ago] = (spans[SPANS - 1 - ago] ?? 0) + 1;
  }
  return spans;
}

/** Where a number stands against the band. */
export function loadLevel(count: number): LoadLevel {
  if (count > FLOOD) return "flood";
  return count > BUSY ? "busy" : "calm";
}
