import type { Incident } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { Age, Countdown } from "./Moment";
import { PriorityMark } from "./PriorityMark";

interface Props {
  readonly incident: Incident;
  readonly href: string;
  readonly isOpen: boolean;
  readonly isGone: boolean;
  readonly onOpen: () => void;
}

/** One incident in the queue: how urgent, how long is left, what, where, since when. */
export function QueueRow({ incident, href, isOpen, isGone, onOpen }: Props) {
  const { t, count } = useText();
  const { zoneName } = useSite();
  const state = isGone ? t("queue.gone") : t(`state.${incident.state}`);
  const names = `queue-row ${incident.priority.toLowerCase()} is-${incident.state}`;
  return (
    <li>
      <a
        href={href}
        className={`${names}${isOpen ? " is-current" : ""}${isGone ? " is-gone" : ""}`}
        aria-current={isOpen ? "true" : undefined}
        data-incident={incident.id}
        title={t("key.hint", { does: t("keys.open"), key: "Enter" })}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onOpen();
        }}
      >
        <span className="queue-top">
          <PriorityMark priority={incident.priority} />
          <b>{incident.priority}</b>
          {incident.due_at !== null && !isGone && <Countdown until={incident.due_at} />}
          <span className="queue-state">{state}</span>
        </span>
        <span className="queue-what">{t(`kind.${incident.kind}`)}</span>
        <span className="queue-where">
          {zoneName(incident.zone)}
          {incident.zones.length > 1 && <> +{incident.zones.length - 1}</>}
        </span>
        <span className="queue-foot">
          <Age at={incident.opened_at} />
          {incident.hazards > 1 && <span>{count("queue.events", incident.hazards)}</span>}
          {incident.drill && <span className="tag">{t("drill")}</span>}
          {incident.historical && <span className="tag">{t("historical")}</span>}
        </span>
      </a>
    </li>
  );
}
