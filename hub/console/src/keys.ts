import { useEffect, useRef } from "react";

type Keys = Readonly<Record<string, () => void>>;

/** Whether somebody is writing: then letters are letters. */
function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

/**
 * Single keys for the whole page, as `event.key` names them (named keys in lower case); never while writing, never with Ctrl, Alt or Meta.
 * `isFirst`: asked before the others, for what lies over the page.
 */
export function useKeys(keys: Keys, isFirst = false): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (event.key !== "Escape" && isWriting(event.target)) return;
      const act = latest.current[event.key.length > 1 ? event.key.toLowerCase() : event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey, isFirst);
    return () => window.removeEventListener("keydown", onKey, isFirst);
  }, [isFirst]);
}
