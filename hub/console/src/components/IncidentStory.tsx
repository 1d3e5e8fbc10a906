import type { ReactNode } from "react";
import type { IncidentDetail } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { MemberList } from "./MemberList";
import { Age, Moment } from "./Moment";
import { NearMissList } from "./NearMissList";
import { PriorityMark } from "./PriorityMark";
import { Timeline } from "./Timeline";
import { ToldList } from "./ToldList";

interface Props {
  readonly story: IncidentDetail;
  readonly hrefOf: (id: string) => string;
  /** What can be done about it, below the sentence. */
  readonly children?: ReactNode;
}

/** One incident: what, where, since when and why in a sentence, then everything that this rests on. */
export function IncidentStory({ story, hrefOf, children }: Props) {
  const text = useText();
  const { t } = text;
  const { zoneName } = useSite();
  const { incident, members, timeline, near_misses: nearMisses, urgency } = story;
  return (
    <article className="incident">
      <header className={`incident-head ${incident.priority.toLowerCase()}`}>
        <p className="incident-line">
          <PriorityMark priority={incident.priority} />
          <b>{incident.priority}</b>
          <span>{t(`state.${incident.state}`)}</span>
          {incident.drill && <span className="tag">{t("drill")}</span>}
          {incident.historical && <span className="tag">{t("historical")}</span>}
        </p>
        <h2>{t("incident.title", { kind: t(`kind.${incident.kind}`), zone: zoneName(incident.zone) })}</h2>
        <p className="incident-why">{text.named(incident.summary)}</p>
        <p className="since">
          {t("incident.since")} <Moment at={incident.opened_at} seconds /> · <Age at={incident.opened_at} />
        </p>
        {urgency.length > 0 && (
          <p className="incident-urgency">
            {t("incident.urgency", {
              priority: incident.priority,
              reasons: urgency.map((reason) => text.named(reason.text, reason.key)).join(t("list.comma")),
            })}
          </p>
        )}
      </header>
      {incident.historical && story.told.length === 0 && <p className="caution">{t("historical.long")}</p>}
      {children}
      <section>
        <h3>{t("incident.members")}</h3>
        <MemberList members={members} />
      </section>
      {nearMisses.length > 0 && (
        <section>
          <h3>{t("incident.near")}</h3>
          <NearMissList misses={nearMisses} hrefOf={hrefOf} />
        </section>
      )}
      {story.told.length + story.not_told.length > 0 && (
        <section>
          <h3>{t("told.title")}</h3>
          <ToldList story={story} />
        </section>
      )}
      <section>
        <h3>{t("incident.timeline")}</h3>
        <Timeline entries={timeline} />
      </section>
      <p className="fine">{t("incident.weights", { weights: story.weights })}</p>
    </article>
  );
}
