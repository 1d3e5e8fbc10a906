import type { NearMiss } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { Moment } from "./Moment";

interface Props {
  readonly misses: readonly NearMiss[];
  readonly hrefOf: (id: string) => string;
}

/** Events that may belong here but were kept apart, and what spoke against it. */
export function NearMissList({ misses, hrefOf }: Props) {
  const text = useText();
  const { zoneName } = useSite();
  return (
    <ul className="near">
      {misses.map((miss) => (
        <li key={miss.hazard}>
          <p>
            <b>{text.t(`kind.${miss.kind}`)}</b> · {zoneName(miss.zone)} · <Moment at={miss.at} />
            {miss.incident !== null && (
              <>
                {" · "}
                <a href={hrefOf(miss.incident)}>{text.t("incident.its")}</a>
              </>
            )}
          </p>
          {miss.reasons.map((reason) => (
            <p key={reason.key} className="reason">
              {text.named(reason.text, reason.key)}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
}
