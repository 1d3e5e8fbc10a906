import { useRef, useState } from "react";
import type { Incident } from "../api/types";
import { useKeys } from "../keys";
import { neighbour, type Row, show } from "../queue";
import { useText } from "../text";
import { PriorityMark } from "./PriorityMark";
import { QueueRow } from "./QueueRow";

interface Props {
  readonly incidents: readonly Incident[];
  readonly openId: string | null;
  readonly hrefOf: (id: string) => string;
  readonly onOpen: (id: string) => void;
  readonly onAcknowledge: (incident: Incident) => void;
  readonly onResolve: (incident: Incident) => void;
}

/** The ordered queue. While the pointer or the focus is in it nothing moves, and what is new waits behind a button. */
export function Queue({ incidents, openId, hrefOf, onOpen, onAcknowledge, onResolve }: Props) {
  const { t, count } = useText();
  const box = useRef<HTMLDivElement>(null);
  const holds = useRef({ pointer: false, focus: false });
  const [frozen, setFrozen] = useState<readonly Row[] | null>(null);
  const shown = show(frozen ?? [], incidents, frozen !== null);

  const hold = (by: "pointer" | "focus", is: boolean) => {
    holds.current[by] = is;
    const isHeld = holds.current.pointer || holds.current.focus;
    setFrozen((before) => (isHeld ? (before ?? shown.rows) : null));
  };

  const focused = () => {
    const row = document.activeElement?.closest<HTMLElement>("[data-incident]");
    return box.current?.contains(row ?? null) ? (row?.dataset.incident ?? null) : null;
  };
  const move = (step: 1 | -1) => {
    const next = neighbour(shown.rows, focused() ?? openId, step);
    if (next !== null) box.current?.querySelector<HTMLElement>(`[data-incident="${next}"]`)?.focus();
  };
  const act = (does: (incident: Incident) => void) => {
    const incident = incidents.find(({ id }) => id === (focused() ?? openId));
    if (incident) does(incident);
  };
  const renew = () => setFrozen((before) => before && show([], incidents, false).rows);
  useKeys({
    j: () => move(1),
    arrowdown: () => move(1),
    k: () => move(-1),
    arrowup: () => move(-1),
    a: () => act(onAcknowledge),
    r: () => act(onResolve),
    n: renew,
  });

  const [first] = shown.waiting;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only notes that somebody is reading, so that nothing moves
    <div
      ref={box}
      className="queue"
      onPointerEnter={(event) => hold("pointer", event.pointerType === "mouse")}
      onPointerLeave={() => hold("pointer", false)}
      onFocus={() => hold("focus", true)}
      onBlur={(event) => hold("focus", event.currentTarget.contains(event.relatedTarget))}
    >
      <div aria-live="polite">
        {first && (
          <button
            type="button"
            className="queue-new"
            onClick={renew}
            title={t("key.hint", { does: t("keys.new"), key: "n" })}
          >
            <PriorityMark priority={first.priority} size={18} />
            {count("queue.new", shown.waiting.length)}
          </button>
        )}
      </div>
      {shown.rows.length === 0 ? (
        <p className="empty">{t("queue.empty")}</p>
      ) : (
        <ol className="queue-list">
          {shown.rows.map(({ incident, isGone }) => (
            <QueueRow
              key={incident.id}
              incident={incident}
              isGone={isGone}
              isOpen={incident.id === openId}
              href={hrefOf(incident.id)}
              onOpen={() => onOpen(incident.id)}
            />
          ))}
        </ol>
      )}
    </div>
  );
}
