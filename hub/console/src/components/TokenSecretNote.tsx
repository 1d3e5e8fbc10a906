import { useState } from "react";
import type { TokenSecret } from "../api/types";
import { useText } from "../text";

interface Props {
  readonly made: TokenSecret;
  readonly onDone: () => void;
}

/** A new token's secret, this once. */
export function TokenSecretNote({ made, onDone }: Props) {
  const { t } = useText();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(made.secret);
    setCopied(true);
  };
  return (
    <div className="secret" role="status">
      <p>{t("tokens.once", { name: made.token.name })}</p>
      <code>{made.secret}</code>
      <div className="acts-row">
        {/* Browsers give the clipboard only to pages of this machine or over TLS. */}
        {window.isSecureContext && (
          <button type="button" onClick={() => void copy().catch(() => setCopied(false))}>
            {isCopied ? t("copied") : t("copy")}
          </button>
        )}
        <button type="button" onClick={onDone}>
          {t("tokens.kept")}
        </button>
      </div>
    </div>
  );
}
