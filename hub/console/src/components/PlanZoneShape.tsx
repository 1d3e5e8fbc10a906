import type { PlanZone, ZoneOccupancy } from "../api/types";
import type { Point } from "../plan/geometry";
import { useSite } from "../site";
import { type Text, useText } from "../text";
import { ageOf } from "../time";

interface Props {
  readonly zone: PlanZone;
  readonly outline: readonly Point[];
  readonly occupancy: ZoneOccupancy | undefined;
  readonly isInIncident: boolean;
}

/** What is written into a zone: the number, "few", how blind it is, or nothing where nobody counts. */
export function figureOf(occupancy: ZoneOccupancy | undefined, text: Text): string {
  if (occupancy === undefined || occupancy.sight === "uncounted") return "";
  if (occupancy.sight === "blind") return text.t("plan.blind");
  if (occupancy.count === null) return "";
  return occupancy.count === "few" ? text.t("plan.few") : String(occupancy.count);
}

/** A zone: its level as a shade of one hue, a hatched hole where nothing sees, outlined only where nobody counts. */
export function PlanZoneShape({ zone, outline, occupancy, isInIncident }: Props) {
  const text = useText();
  const { zoneName } = useSite();
  const sight = occupancy?.sight ?? "uncounted";
  const shade = sight === "live" ? `level-${occupancy?.level ?? 0}` : `is-${sight}`;
  return (
    <polygon
      points={outline.map((point) => point.join(",")).join(" ")}
      className={`zone ${shade} kind-${zone.kind}${isInIncident ? " is-in-incident" : ""}`}
      data-zone={zone.id}
    >
      <title>{`${zoneName(zone.id)}\n${sentence(occupancy, text)}`}</title>
    </polygon>
  );
}

/** What the figure is, how old, and what it rests on. */
function sentence(occupancy: ZoneOccupancy | undefined, text: Text): string {
  const { t } = text;
  if (occupancy === undefined || occupancy.sight === "uncounted") return t("plan.uncounted.long");
  const { unit, n } = ageOf((occupancy.age_s ?? 0) * 1_000);
  const age = occupancy.age_s === null ? t("never") : t(`ago.${unit}`, { n });
  if (occupancy.sight === "blind") return t("plan.blind.long", { age });
  const lines = [t(`level.${occupancy.level ?? 0}`)];
  if (occupancy.count !== null) lines.unshift(figureOf(occupancy, text));
  if (occupancy.low !== null && occupancy.high !== null) {
    lines.push(t("plan.between", { low: occupancy.low, high: occupancy.high }));
  }
  const used = occupancy.sources.filter((source) => source.used).map(({ device }) => device);
  if (used.length > 0) lines.push(t("plan.from", { devices: used.join(", "), age }));
  return lines.join("\n");
}
