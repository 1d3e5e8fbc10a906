import { useEffect, useRef } from "react";
import type { Incident, Priority } from "./api/types";
import { usePreferences } from "./preferences";

const TONES: Readonly<Record<"P1" | "P2", readonly number[]>> = { P1: [880, 660, 880], P2: [587, 740] };
const TONE_S = 0.16;
let context: AudioContext | undefined;

/** Sound the two or three short tones of a priority once; `volume` in tenths. Silent where the browser forbids it. */
export async function soundChime(priority: "P1" | "P2", volume: number): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume();
  const gain = context.createGain();
  gain.gain.value = (volume / 10) ** 2 * 0.5;
  gain.connect(context.destination);
  TONES[priority].forEach((hertz, n) => {
    if (context === undefined) return;
    const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
    tone.connect(gain);
    tone.start(context.currentTime + n * TONE_S);
    tone.stop(context.currentTime + (n + 0.85) * TONE_S);
  });
}

/** The most urgent of what is new since `known`, if it is one that sounds. */
export function chimeFor(known: ReadonlySet<string>, incidents: readonly Incident[]): "P1" | "P2" | null {
  const fresh = incidents.filter(({ id, state, drill }) => state === "open" && !drill && !known.has(id));
  const has = (wanted: Priority) =>
    fresh.some(({ priority, historical }) => priority === wanted && !historical);
  if (has("P1")) return "P1";
  return has("P2") ? "P2" : null;
}

/** Sounds once for what is new, where sound was asked for; what was there when the page opened is silent. */
export function useChime(incidents: readonly Incident[] | undefined): void {
  const { sound, volume } = usePreferences().preferences;
  const known = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (incidents === undefined) return;
    const before = known.current;
    known.current = new Set(incidents.map(({ id }) => id));
    const priority = before === null ? null : chimeFor(before, incidents);
    if (sound && priority !== null) void soundChime(priority, volume).catch(() => undefined);
  }, [incidents, sound, volume]);
}
