import type { Cause, Incident } from "../api/types";
import { useText } from "../text";
import { ResolveForm } from "./ResolveForm";
import { troubleText } from "./Trouble";

interface Props {
  readonly incident: Incident;
  readonly isBusy: boolean;
  readonly error: Error | null;
  readonly isResolving: boolean;
  /** The gateways have been told that somebody is there. */
  readonly isToldAtSite: boolean;
  readonly onAcknowledge: (atSite: boolean) => void;
  readonly onResolving: (is: boolean) => void;
  readonly onResolve: (cause: Cause, note: string) => void;
}

/** What can be done with an incident now: acknowledge it, from here or at the place, and resolve it with its cause. */
export function IncidentActs(props: Props) {
  const { incident, isBusy, error, isResolving } = props;
  const text = useText();
  const { t } = text;
  if (incident.state === "resolved") {
    return (
      <p className="acts-done">
        {t("acts.resolved", {
          name: incident.resolved_by ?? "",
          cause: incident.cause === null ? "" : t(`cause.${incident.cause}`),
        })}
      </p>
    );
  }
  const isAcknowledged = incident.state === "acknowledged";
  return (
    <div className="acts">
      {isAcknowledged && (
        <p className="acts-done">{t("acts.acknowledged", { name: incident.acknowledged_by ?? "" })}</p>
      )}
      {isResolving ? (
        <ResolveForm isBusy={isBusy} onCancel={() => props.onResolving(false)} onResolve={props.onResolve} />
      ) : (
        <div className="acts-row">
          {!isAcknowledged && (
            <button
              type="button"
              className="primary"
              disabled={isBusy}
              title={t("key.hint", { does: t("keys.acknowledge"), key: "a" })}
              onClick={() => props.onAcknowledge(false)}
            >
              {t("acts.acknowledge")} <kbd>a</kbd>
            </button>
          )}
          <button
            type="button"
            disabled={isBusy}
            title={`${t("acts.at_site.long")}\n${t("key.hint", { does: t("acts.at_site"), key: "s" })}`}
            onClick={() => props.onAcknowledge(true)}
          >
            {t("acts.at_site")} <kbd>s</kbd>
          </button>
          <button
            type="button"
            className={isAcknowledged ? "primary" : ""}
            disabled={isBusy}
            title={t("key.hint", { does: t("keys.resolve"), key: "r" })}
            onClick={() => props.onResolving(true)}
          >
            {t("acts.resolve")} <kbd>r</kbd>
          </button>
        </div>
      )}
      {props.isToldAtSite && (
        <p className="acts-done" role="status">
          {t("acts.at_site.told")}
        </p>
      )}
      {error && (
        <p className="acts-error" role="alert">
          {troubleText(text, error)}
        </p>
      )}
    </div>
  );
}
