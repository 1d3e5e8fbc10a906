import type { Notifications } from "../api/types";
import { useText, wordFor } from "../text";
import { Age, Moment } from "./Moment";

/** Who is told of incidents, and what did not arrive. */
export function ConsumerList({ notifications }: { readonly notifications: Notifications }) {
  const text = useText();
  const { t, count } = text;
  const { consumers, undelivered } = notifications;
  if (consumers.length === 0) return <p className="empty">{t("told.nobody")}</p>;
  return (
    <>
      <ul className="told">
        {consumers.map((one) => (
          <li key={one.consumer}>
            <b>{one.consumer}</b> ·{" "}
            {one.sent_at === null ? (
              t("told.never")
            ) : (
              <>
                {t("told.last")} <Age at={one.sent_at} />
              </>
            )}
            {one.waiting > 0 && <> · {count("told.waiting", one.waiting)}</>}
            {one.failed > 0 && <b> · {count("told.failed", one.failed)}</b>}
          </li>
        ))}
      </ul>
      {undelivered.length > 0 && (
        <ul className="told">
          {undelivered.map((one) => (
            <li key={`${one.consumer} ${one.incident} ${one.what} ${one.made_at}`}>
              <Moment at={one.made_at} /> · {one.consumer} · {one.priority} ·{" "}
              {wordFor(text, "what", one.what)} · {t(`delivery.${one.delivery}`)}{" "}
              <span className="fine">
                {t("told.attempts", { n: one.attempts })} · {one.reason}
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
