import type { TimelineEntry } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { MeasureText } from "./MeasureText";
import { Moment } from "./Moment";

/** What happened and what people did, the newest last. */
export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  const { t } = useText();
  const { zoneName } = useSite();
  return (
    <ol className="timeline">
      {entries.map((entry, n) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: the story only grows at its end
          key={n}
          className={`is-${entry.step}`}
        >
          <Moment at={entry.at} seconds />
          <div>
            <p>
              {t(`step.${entry.step}`)}
              {entry.kind !== null && (
                <>
                  {": "}
                  <b>{t(`kind.${entry.kind}`)}</b>
                </>
              )}
              {entry.by !== null && <> {t("step.by", { name: entry.by })}</>}
            </p>
            {entry.zone !== null && (
              <p className="fine">
                {zoneName(entry.zone)} · {entry.device}
                {entry.count !== null && <> · {t("hazard.count", { n: entry.count })}</>}
                <MeasureText measure={entry.measure} />
              </p>
            )}
            {entry.note !== null && <blockquote>{entry.note}</blockquote>}
          </div>
        </li>
      ))}
    </ol>
  );
}
