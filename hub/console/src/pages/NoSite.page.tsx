import { useText } from "../text";
import { useTheme } from "../theme";

/** The hub has no site yet, or none for this person. */
export function NoSitePage({ onRetry }: { readonly onRetry: () => void }) {
  const { t } = useText();
  useTheme();
  return (
    <main className="door">
      <div className="door-card">
        <h1>Gatehouse</h1>
        <p>{t("no_site")}</p>
        <button type="button" onClick={onRetry}>
          {t("retry")}
        </button>
      </div>
    </main>
  );
}
