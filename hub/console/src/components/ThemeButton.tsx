import type { ThemeChoice } from "../preferences";
import { useText } from "../text";

const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = { auto: "light", light: "dark", dark: "auto" };
const SIGNS: Readonly<Record<ThemeChoice, string>> = {
  auto: "M9 2a7 7 0 1 1 0 14A7 7 0 0 1 9 2Zm0 0v14",
  light:
    "M9 5.500a3.5 3.5 0 1 1 0 7 3.5 3.5 0 1 1 0-7ZM9 1v2M9 15v2M1 9h2M15 9h2M3.3 3.300l1.5 1.500M13.2 13.200l1.5 1.500M14.7 3.300l-1.5 1.500M4.8 13.200l-1.5 1.5",
  dark: "M15.5 11.200A7 7 0 0 1 6.8 2.500a7 7 0 1 0 8.7 8.700Z",
};

interface Props {
  readonly choice: ThemeChoice;
  readonly onChoose: (choice: ThemeChoice) => void;
}

/** By the hour, light, dark, and round again. */
export function ThemeButton({ choice, onChoose }: Props) {
  const { t } = useText();
  const words = t("theme.now", { theme: t(`theme.${choice}`) });
  return (
    <button
      type="button"
      className="quiet"
      aria-label={words}
      title={words}
      onClick={() => onChoose(NEXT[choice])}
    >
      <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" className="sign">
        <path d={SIGNS[choice]} />
      </svg>
    </button>
  );
}
