import type { Language, Preferences, ThemeChoice } from "../preferences";
import { useText } from "../text";

const LANGUAGES: readonly (readonly [Language, string])[] = [
  ["en", "English"],
  ["zh-CN", "简体中文"],
];
const THEMES: readonly ThemeChoice[] = ["auto", "light", "dark"];

interface Props {
  readonly preferences: Preferences;
  readonly onChange: (change: Partial<Preferences>) => void;
  readonly onTry: () => void;
}

/** Language, theme and sound on this machine. */
export function PreferenceForm({ preferences, onChange, onTry }: Props) {
  const { t } = useText();
  return (
    <div className="stack">
      <fieldset className="choices">
        <legend>{t("language")}</legend>
        {LANGUAGES.map(([language, name]) => (
          <label key={language} lang={language}>
            <input
              type="radio"
              name="language"
              checked={preferences.language === language}
              onChange={() => onChange({ language })}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <fieldset className="choices">
        <legend>{t("theme")}</legend>
        {THEMES.map((theme) => (
          <label key={theme}>
            <input
              type="radio"
              name="theme"
              checked={preferences.theme === theme}
              onChange={() => onChange({ theme })}
            />
            {t(`theme.${theme}`)}
          </label>
        ))}
        <a href="?wall">{t("theme.wall")}</a>
      </fieldset>
      <fieldset className="choices">
        <legend>{t("sound")}</legend>
        <label>
          <input
            type="checkbox"
            checked={preferences.sound}
            onChange={(event) => onChange({ sound: event.target.checked })}
          />
          {t("sound.on")}
        </label>
        <label>
          {t("sound.volume")}
          <input
            type="range"
            min={1}
            max={10}
            value={preferences.volume}
            disabled={!preferences.sound}
            onChange={(event) => onChange({ volume: Number(event.target.value) })}
          />
          <span className="num">{preferences.volume}</span>
        </label>
        <button type="button" disabled={!preferences.sound} onClick={onTry}>
          {t("sound.try")}
        </button>
      </fieldset>
    </div>
  );
}
