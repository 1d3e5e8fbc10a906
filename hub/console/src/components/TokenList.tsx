import { useState } from "react";
import type { Token } from "../api/types";
import { useText } from "../text";
import { Age, Moment } from "./Moment";

interface Props {
  readonly tokens: readonly Token[];
  readonly onRevoke: (id: string) => void;
}

/** Tokens with what they may do; revoking asks once, for it cannot be undone. */
export function TokenList({ tokens, onRevoke }: Props) {
  const { t } = useText();
  const [asked, setAsked] = useState<string | null>(null);
  if (tokens.length === 0) return <p className="empty">{t("tokens.none")}</p>;
  return (
    <ul className="tokens">
      {tokens.map((token) => (
        <li key={token.id}>
          <div>
            <b>{token.name}</b> <code>{token.hint}…</code>
            <p className="fine">
              {token.scopes.map((scope) => t(`scope.${scope}`)).join(", ")} ·{" "}
              {token.sites === null ? t("sites.all") : token.sites.join(", ")} · {token.created_by}
            </p>
            <p className="fine">
              {t("tokens.expires")} <Moment at={token.expires_at} /> · {t("tokens.used")}{" "}
              {token.last_used_at === null ? t("never") : <Age at={token.last_used_at} />}
            </p>
          </div>
          {asked === token.id ? (
            <div className="acts-row">
              <span>{t("tokens.sure")}</span>
              <button type="button" className="grave" onClick={() => onRevoke(token.id)}>
                {t("tokens.revoke")}
              </button>
              <button type="button" onClick={() => setAsked(null)}>
                {t("cancel")}
              </button>
            </div>
          ) : (
            <button type="button" onClick={() => setAsked(token.id)}>
              {t("tokens.revoke")}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
