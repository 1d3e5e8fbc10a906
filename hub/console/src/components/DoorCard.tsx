import type { FormEvent, ReactNode } from "react";
import { usePreferences } from "../preferences";
import { useText } from "../text";

interface Props {
  readonly title: string;
  readonly onSubmit: (event: FormEvent) => void;
  readonly children: ReactNode;
}

/** A form before one is in: the name of the house, what it promises, the language. */
export function DoorCard({ title, onSubmit, children }: Props) {
  const { t } = useText();
  const { preferences, prefer } = usePreferences();
  const other = preferences.language === "en" ? "zh-CN" : "en";
  return (
    <main className="door">
      <form className="door-card" onSubmit={onSubmit}>
        <p className="brand">Gatehouse</p>
        <h1>{title}</h1>
        {children}
        <footer>
          <span className="fine">{t("promise")}</span>
          <button
            type="button"
            className="quiet"
            lang={other}
            title={t("language.other.long")}
            onClick={() => prefer({ language: other })}
          >
            {t("language.other")}
          </button>
        </footer>
      </form>
    </main>
  );
}
