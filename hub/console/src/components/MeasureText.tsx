import type { Measure } from "../api/types";
import { useText } from "../text";

const UNITS: Readonly<Record<string, string>> = { C: "°C" };

/** What was measured, and the threshold it passed. */
export function MeasureText({ measure }: { readonly measure: Measure | null }) {
  const { t } = useText();
  if (measure === null) return null;
  const unit = UNITS[measure.unit] ?? measure.unit;
  return (
    <span className="num">
      {" · "}
      {t("measure", { value: `${measure.value} ${unit}`, threshold: `${measure.threshold} ${unit}` })}
    </span>
  );
}
