import type { IncidentDetail } from "../api/types";
import { useText } from "../text";
import { Moment } from "./Moment";

/** Who was told what of an incident and whether it arrived; who was not, and why. */
export function ToldList({ story }: { readonly story: IncidentDetail }) {
  const { t } = useText();
  return (
    <ul className="told">
      {story.told.map((one) => (
        <li key={`${one.consumer} ${one.what} ${one.made_at}`} className={`is-${one.delivery}`}>
          <b>{one.consumer}</b> · {t(`what.${one.what}`)} · {t(`delivery.${one.delivery}`)} ·{" "}
          <Moment at={one.ended_at ?? one.made_at} seconds />
          {one.reason !== null && one.delivery !== "sent" && (
            <span className="fine">
              {" "}
              {t("told.attempts", { n: one.attempts })} · {one.reason}
            </span>
          )}
        </li>
      ))}
      {story.not_told.map((one) => (
        <li key={one.consumer} className="fine">
          <b>{one.consumer}</b> · {t(`untold.${one.reason}`)}
        </li>
      ))}
    </ul>
  );
}
