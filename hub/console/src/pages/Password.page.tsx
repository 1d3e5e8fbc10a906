import { type FormEvent, useState } from "react";
import type { Session } from "../api/types";
import { DoorCard } from "../components/DoorCard";
import { PasswordFields } from "../components/PasswordFields";
import { Trouble } from "../components/Trouble";
import { useChangePassword, useSignOut } from "../data/session";
import { useText } from "../text";
import { useTheme } from "../theme";

/** The one-time password opens only this: choosing one's own. */
export function PasswordPage({ session }: { readonly session: Session }) {
  const { t } = useText();
  const change = useChangePassword();
  const signOut = useSignOut();
  const [words, setWords] = useState({ current: "", new: "", again: "" });
  useTheme();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (words.new === words.again) change.mutate({ current: words.current, new: words.new });
  };
  return (
    <DoorCard title={t("password.title")} onSubmit={submit}>
      <p>{t("password.why", { name: session.name })}</p>
      <PasswordFields words={words} onChange={setWords} currentLabel={t("password.once")} />
      {change.isError && <Trouble error={change.error} />}
      <button type="submit" className="primary" disabled={change.isPending}>
        {t("password.go")}
      </button>
      <button type="button" className="quiet" onClick={() => signOut.mutate()}>
        {t("signout")}
      </button>
    </DoorCard>
  );
}
