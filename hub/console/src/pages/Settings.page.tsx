import { type FormEvent, useState } from "react";
import { soundChime } from "../chime";
import { PasswordFields } from "../components/PasswordFields";
import { PreferenceForm } from "../components/PreferenceForm";
import { Trouble } from "../components/Trouble";
import { useChangePassword, useSignOut } from "../data/session";
import { usePreferences } from "../preferences";
import { useSite } from "../site";
import { useText } from "../text";
import { TokenPanel } from "./TokenPanel";

/** What I prefer on this machine, who I am, and which programs may ask. */
export function SettingsPage() {
  const { t } = useText();
  const { session } = useSite();
  const { preferences, prefer } = usePreferences();
  const signOut = useSignOut();
  return (
    <main className="page settings">
      <header className="page-head">
        <h1>{t("nav.settings")}</h1>
      </header>
      <section>
        <h2>{t("settings.here")}</h2>
        <p className="fine">{t("settings.here.what")}</p>
        <PreferenceForm
          preferences={preferences}
          onChange={prefer}
          onTry={() => void soundChime("P1", preferences.volume).catch(() => undefined)}
        />
      </section>
      <section>
        <h2>{t("settings.account")}</h2>
        <p>
          <b>{session.name}</b> · {t(`role.${session.role}`)}
        </p>
        <PasswordChangeForm />
        <button type="button" onClick={() => signOut.mutate()}>
          {t("signout")}
        </button>
      </section>
      <TokenPanel />
    </main>
  );
}

const EMPTY = { current: "", new: "", again: "" };

function PasswordChangeForm() {
  const { t } = useText();
  const change = useChangePassword();
  const [words, setWords] = useState(EMPTY);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (words.new !== words.again) return;
    change.mutate({ current: words.current, new: words.new }, { onSuccess: () => setWords(EMPTY) });
  };
  return (
    <details>
      <summary>{t("password.change")}</summary>
      <form className="stack" onSubmit={submit}>
        <PasswordFields words={words} onChange={setWords} currentLabel={t("password.current")} />
        {change.isError && <Trouble error={change.error} />}
        {change.isSuccess && <p role="status">{t("password.changed")}</p>}
        <button type="submit" disabled={change.isPending}>
          {t("password.change")}
        </button>
      </form>
    </details>
  );
}
