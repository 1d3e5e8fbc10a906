import { useText } from "../text";

export interface PasswordWords {
  readonly current: string;
  readonly new: string;
  readonly again: string;
}

export const PASSWORD_MIN = 12;

interface Props {
  readonly words: PasswordWords;
  readonly onChange: (words: PasswordWords) => void;
  readonly currentLabel: string;
}

/** The password now, and the new one twice. */
export function PasswordFields({ words, onChange, currentLabel }: Props) {
  const { t } = useText();
  const differs = words.again !== "" && words.again !== words.new;
  return (
    <>
      <label className="field">
        {currentLabel}
        <input
          type="password"
          autoComplete="current-password"
          required
          value={words.current}
          onChange={(event) => onChange({ ...words, current: event.target.value })}
        />
      </label>
      <label className="field">
        {t("password.new", { n: PASSWORD_MIN })}
        <input
          type="password"
          autoComplete="new-password"
          required
          minLength={PASSWORD_MIN}
          maxLength={256}
          value={words.new}
          onChange={(event) => onChange({ ...words, new: event.target.value })}
        />
      </label>
      <label className="field">
        {t("password.again")}
        <input
          type="password"
          autoComplete="new-password"
          required
          aria-invalid={differs}
          value={words.again}
          onChange={(event) => onChange({ ...words, again: event.target.value })}
        />
      </label>
      {differs && <p className="acts-error">{t("password.differs")}</p>}
    </>
  );
}
