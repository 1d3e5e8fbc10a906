import { useMemo, useRef, useState } from "react";
import type { DeviceHealth, Hazard, Incident, SitePlan, ZoneOccupancy } from "../api/types";
import { type Box, fitInto, type Point } from "../plan/geometry";
import { placeLabels } from "../plan/labels";
import { placeMarks } from "../plan/marks";
import { useSize } from "../size";
import { useText } from "../text";
import { PlanDeviceGlyph } from "./PlanDeviceGlyph";
import { PlanLabel } from "./PlanLabel";
import { PlanLegend } from "./PlanLegend";
import { PlanMark } from "./PlanMark";
import { figureOf, PlanZoneShape } from "./PlanZoneShape";
import { StoreySwitch } from "./StoreySwitch";

interface Props {
  readonly plan: SitePlan;
  readonly zones: readonly ZoneOccupancy[];
  readonly hazards: readonly Hazard[];
  readonly incidents: readonly Incident[];
  readonly devices: readonly DeviceHealth[];
  readonly openId?: string | null;
  readonly hrefOf?: (id: string) => string;
  readonly onOpen?: (id: string) => void;
  readonly isWall?: boolean;
}

const MARGIN = 14;
/** Everything that is not to scale (letters, marks, lines) is so much larger on a wall. */
const WALL_ZOOM = 1.7;
const MARK_PX = 27;
const GLYPH_PX = 12;

/** The site drawn to scale: how full each zone is, what is wrong and where, what sees and what is blind. */
export function SitePlanView(props: Props) {
  const { plan, zones, hazards, incidents, devices, openId = null, isWall = false } = props;
  const text = useText();
  const box = useRef<HTMLDivElement>(null);
  const zoom = isWall ? WALL_ZOOM : 1;
  const size = useSize(box);
  const width = size.width / zoom;
  const height = size.height / zoom;
  const storeys = useMemo(
    () => [...new Set(plan.zones.map(({ storey }) => storey))].sort((a, b) => a - b),
    [plan],
  );
  const [chosen, setStorey] = useState<number | null>(null);
  const storey = chosen ?? (storeys.includes(0) ? 0 : (storeys[0] ?? 0));
  const here = useMemo(() => plan.zones.filter((zone) => zone.storey === storey), [plan, storey]);
  const fit = useMemo(() => fitInto(plan.bounds, width, height, MARGIN), [plan, width, height]);

  const outlined = useMemo(
    () => here.map((zone) => ({ zone, outline: zone.polygon.map(fit.at) })),
    [here, fit],
  );
  const marks = useMemo(() => placeMarks(hazards, incidents, here, fit), [hazards, incidents, here, fit]);
  const labels = useMemo(() => {
    const labelled = outlined.map(({ zone, outline }) => ({
      id: zone.id,
      outline,
      name: text.named(zone.name, zone.id),
      figure: figureOf(
        zones.find(({ zone: id }) => id === zone.id),
        text,
      ),
      isUrgent: hazards.some((hazard) => hazard.zone === zone.id) || zones.some(isNoted(zone.id)),
    }));
    const glyphs = plan.devices.map(({ at }) => squareAt(fit.at(at), GLYPH_PX));
    const taken = marks.map(({ at }) => squareAt(at, MARK_PX));
    return placeLabels(labelled, { x: 0, y: 0, w: width, h: height }, taken, glyphs);
  }, [outlined, marks, zones, text, width, height, plan, fit, hazards]);
  const opened = incidents.find(({ id }) => id === openId);
  const isReady = width > 40 && height > 40;

  return (
    <section className={isWall ? "plan is-wall" : "plan"} aria-label={text.t("plan.title")}>
      {storeys.length > 1 && <StoreySwitch storeys={storeys} storey={storey} onChoose={setStorey} />}
      <div className="plan-box" ref={box}>
        {isReady && (
          <svg width={size.width} height={size.height} viewBox={`0 0 ${width} ${height}`}>
            <title>{text.named(plan.name, plan.site)}</title>
            <defs>
              <pattern
                id="hole"
                width="8"
                height="8"
                patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)"
              >
                <rect width="8" height="8" className="hole-ground" />
                <line x1="0" x2="0" y1="0" y2="8" className="hole-line" />
              </pattern>
            </defs>
            {[...outlined]
              .sort((a, b) => b.zone.area_m2 - a.zone.area_m2)
              .map(({ zone, outline }) => (
                <PlanZoneShape
                  key={zone.id}
                  zone={zone}
                  outline={outline}
                  occupancy={zones.find(({ zone: id }) => id === zone.id)}
                  isInIncident={opened?.zones.includes(zone.id) ?? false}
                />
              ))}
            {plan.devices
              .filter(({ zone }) => here.some(({ id }) => id === zone))
              .map((device) => (
                <PlanDeviceGlyph
                  key={device.id}
                  device={device}
                  at={fit.at(device.at)}
                  state={devices.find(({ device: id }) => id === device.id)?.state ?? "unknown"}
                />
              ))}
            {labels.map((label) => (
              <PlanLabel
                key={label.id}
                label={label}
                level={zones.find(({ zone }) => zone === label.id)?.level ?? null}
                isBlind={zones.find(({ zone }) => zone === label.id)?.sight === "blind"}
              />
            ))}
            {marks.map((mark) => (
              <PlanMark
                key={mark.id}
                mark={mark}
                isOpen={mark.incident !== null && mark.incident === openId}
                href={mark.incident && props.hrefOf?.(mark.incident)}
                onOpen={props.onOpen}
              />
            ))}
            <ScaleBar scale={fit.scale} y={height - 10} />
          </svg>
        )}
      </div>
      <PlanLegend />
    </section>
  );
}

/** Whether a zone is fuller than usual. */
function isNoted(zone: string): (occupancy: ZoneOccupancy) => boolean {
  return (occupancy) => occupancy.zone === zone && (occupancy.level ?? 0) > 0;
}

function squareAt([x, y]: Point, side: number): Box {
  return { x: x - side / 2, y: y - side / 2, w: side, h: side };
}

function ScaleBar({ scale, y }: { readonly scale: number; readonly y: number }) {
  const metres = [5, 10, 20, 50, 100, 200, 500].find((m) => m * scale >= 50) ?? 1000;
  const end = 10 + metres * scale;
  return (
    <g className="plan-scale">
      <path d={`M10 ${y - 4}v4H${end}v-4`} />
      <text x={end + 5} y={y} className="plan-scale-text">
        {metres} m
      </text>
    </g>
  );
}
