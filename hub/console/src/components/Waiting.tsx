import { useText } from "../text";

/** Shown while something is on its way; the style keeps it invisible for the first 300 ms. */
export function Waiting({ rows = 3 }: { readonly rows?: number }) {
  const { t } = useText();
  return (
    <div className="waiting" role="status" aria-label={t("waiting")}>
      {Array.from({ length: rows }, (_, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars without identity
        <div className="waiting-bar" key={n} />
      ))}
    </div>
  );
}
