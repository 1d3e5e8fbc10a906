import type { Member } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { MeasureText } from "./MeasureText";
import { Moment } from "./Moment";

/** The events of an incident, each with why it is in it. */
export function MemberList({ members }: { readonly members: readonly Member[] }) {
  const text = useText();
  const { t } = text;
  const { zoneName } = useSite();
  return (
    <ol className="members">
      {members.map(({ hazard, links }) => (
        <li key={hazard.id} className={`is-${hazard.state}`}>
          <p className="member-head">
            <b>{t(`kind.${hazard.kind}`)}</b>
            <Moment at={hazard.raised_at} seconds />
            {hazard.historical && <span className="tag">{t("historical")}</span>}
            <span className={`hazard-state is-${hazard.state}`}>{t(`hazard.${hazard.state}`)}</span>
          </p>
          <p className="member-where">
            {zoneName(hazard.zone)} · {hazard.device} · {t(`grade.${hazard.grade as 1 | 2 | 3 | 4}`)}
            {hazard.count !== null && <> · {t("hazard.count", { n: hazard.count })}</>}
            <MeasureText measure={hazard.measure} />
          </p>
          {links.flatMap((link) =>
            link.reasons.map((reason) => (
              <p key={`${link.to} ${reason.key}`} className="reason">
                {text.named(reason.text, reason.key)}
              </p>
            )),
          )}
        </li>
      ))}
    </ol>
  );
}
