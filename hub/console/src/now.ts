import { useEffect, useState } from "react";
import { useLive } from "./data/live";

/** The hub's time in ms, anew every `everyMs` on the beat. Only small parts should ask: each beat renders them. */
export function useNow(everyMs = 1_000): number {
  const { skewMs } = useLive();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const beat = () => {
      const at = Date.now();
      setNow(at);
      timer = setTimeout(beat, everyMs - ((at + skewMs) % everyMs));
    };
    timer = setTimeout(beat, everyMs - ((Date.now() + skewMs) % everyMs));
    return () => clearTimeout(timer);
  }, [everyMs, skewMs]);
  return now + skewMs;
}
