import { type FormEvent, useEffect, useRef, useState } from "react";
import type { Cause } from "../api/types";
import { useKeys } from "../keys";
import { useText } from "../text";

/** The causes in the order of their keys, 1 to 9. */
export const CAUSES: readonly Cause[] = [
  "real",
  "false_alarm",
  "test",
  "works",
  "weather",
  "animal",
  "equipment",
  "duplicate",
  "unknown",
];
const NOTE_MAX = 500;

interface Props {
  readonly isBusy: boolean;
  readonly onCancel: () => void;
  readonly onResolve: (cause: Cause, note: string) => void;
}

/** What it was: one of nine causes, by number or arrows, and a note for the log. Enter sends it, Escape goes back. */
export function ResolveForm({ isBusy, onCancel, onResolve }: Props) {
  const { t } = useText();
  const [cause, setCause] = useState<Cause | null>(null);
  const [note, setNote] = useState("");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  useKeys({ escape: onCancel }, true);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (cause !== null) onResolve(cause, note);
  };
  return (
    <form ref={form} className="resolve" onSubmit={submit}>
      <fieldset
        onKeyDown={(event) => {
          const chosen = CAUSES[Number(event.key) - 1];
          if (chosen !== undefined) setCause(chosen);
        }}
      >
        <legend>{t("resolve.cause")}</legend>
        {CAUSES.map((one, n) => (
          <label key={one}>
            <input
              type="radio"
              name="cause"
              required
              checked={cause === one}
              onChange={() => setCause(one)}
            />
            <span>{t(`cause.${one}`)}</span>
            <kbd>{n + 1}</kbd>
          </label>
        ))}
      </fieldset>
      <label className="field">
        {t("resolve.note")}
        <textarea
          value={note}
          maxLength={NOTE_MAX}
          rows={2}
          onChange={(event) => setNote(event.target.value)}
        />
      </label>
      <p className="fine">{t("resolve.final")}</p>
      <div className="acts-row">
        <button type="submit" className="primary" disabled={isBusy || cause === null}>
          {t("acts.resolve")} <kbd>Enter</kbd>
        </button>
        <button type="button" onClick={onCancel}>
          {t("cancel")} <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}
