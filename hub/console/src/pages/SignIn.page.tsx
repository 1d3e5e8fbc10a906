import { type FormEvent, useState } from "react";
import { DoorCard } from "../components/DoorCard";
import { Trouble } from "../components/Trouble";
import { useSignIn } from "../data/session";
import { useText } from "../text";
import { useTheme } from "../theme";

/** The door: name and password. */
export function SignInPage() {
  const { t } = useText();
  const signIn = useSignIn();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  useTheme();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ name, password });
  };
  return (
    <DoorCard title={t("signin.title")} onSubmit={submit}>
      <label className="field">
        {t("signin.name")}
        <input
          // biome-ignore lint/a11y/noAutofocus: the page has this one purpose
          autoFocus
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={32}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="field">
        {t("signin.password")}
        <input
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      {signIn.isError && <Trouble error={signIn.error} />}
      <button type="submit" className="primary" disabled={signIn.isPending}>
        {t("signin.go")}
      </button>
      <p className="fine">{t("signin.first")}</p>
    </DoorCard>
  );
}
