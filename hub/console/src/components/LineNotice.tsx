import type { LineState } from "../api/live";
import { useSite } from "../site";
import { useText } from "../text";
import { clockTimeWithSeconds, fullTime } from "../time";

/** Says since when nothing new has come; the live parts are grey meanwhile. */
export function LineNotice({ line }: { readonly line: LineState }) {
  const { t, language } = useText();
  const zone = useSite().plan.time_zone;
  return (
    <div role="status">
      {line.state === "lost" && (
        <p className="line-lost" title={fullTime(line.since, zone, language)}>
          {t("line.lost", { at: clockTimeWithSeconds(line.since, zone, language) })}
        </p>
      )}
    </div>
  );
}
