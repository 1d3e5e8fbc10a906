import { type FormEvent, useState } from "react";
import type { Scope, Session, TokenNew } from "../api/types";
import { useText } from "../text";

const SCOPES: Readonly<Record<Session["role"], readonly Scope[]>> = {
  viewer: ["read"],
  operator: ["read", "operate"],
  admin: ["read", "operate", "admin"],
};
const DAYS = [7, 30, 90, 366] as const;

interface Props {
  readonly role: Session["role"];
  readonly site: string;
  readonly mayAllSites: boolean;
  readonly isBusy: boolean;
  readonly onCreate: (token: TokenNew) => void;
}

/** A token to be made: name, what it may do at most, where, for how long. */
export function TokenForm({ role, site, mayAllSites, isBusy, onCreate }: Props) {
  const { t, count } = useText();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("read");
  const [isEverywhere, setEverywhere] = useState(false);
  const [days, setDays] = useState<number>(90);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCreate({ name, scopes: [scope], sites: isEverywhere ? null : [site], expires_days: days });
    setName("");
  };
  return (
    <form className="token-form" onSubmit={submit}>
      <label className="field">
        {t("tokens.name")}
        <input required maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />
      </label>
      <label className="field">
        {t("tokens.may")}
        <select value={scope} onChange={(event) => setScope(event.target.value as Scope)}>
          {SCOPES[role].map((one) => (
            <option key={one} value={one}>
              {t(`scope.${one}`)}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        {t("tokens.where")}
        <select
          value={isEverywhere ? "all" : "one"}
          onChange={(event) => setEverywhere(event.target.value === "all")}
        >
          <option value="one">{site}</option>
          {mayAllSites && <option value="all">{t("sites.all")}</option>}
        </select>
      </label>
      <label className="field">
        {t("tokens.days")}
        <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {DAYS.map((one) => (
            <option key={one} value={one}>
              {count("days", one)}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="primary" disabled={isBusy}>
        {t("tokens.make")}
      </button>
    </form>
  );
}
