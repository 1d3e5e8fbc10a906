import { TokenForm } from "../components/TokenForm";
import { TokenList } from "../components/TokenList";
import { TokenSecretNote } from "../components/TokenSecretNote";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useCreateToken, useRevokeToken, useTokens } from "../data/tokens";
import { useSite } from "../site";
import { useText } from "../text";

/** The tokens of programs: made, shown once, revoked. */
export function TokenPanel() {
  const { t } = useText();
  const { session, site } = useSite();
  const tokens = useTokens();
  const create = useCreateToken();
  const revoke = useRevokeToken();
  return (
    <section>
      <h2>{t("tokens.title")}</h2>
      <p className="fine">{t("tokens.what")}</p>
      {tokens.isPending && <Waiting />}
      {tokens.isError && <Trouble error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {revoke.isError && <Trouble error={revoke.error} />}
      {tokens.data && <TokenList tokens={tokens.data} onRevoke={(id) => revoke.mutate(id)} />}
      {create.data && <TokenSecretNote made={create.data} onDone={create.reset} />}
      {create.isError && <Trouble error={create.error} />}
      <TokenForm
        role={session.role}
        site={site}
        mayAllSites={session.sites === null}
        isBusy={create.isPending}
        onCreate={(token) => create.mutate(token)}
      />
    </section>
  );
}
