import type { Hazard, HazardKind, Incident, PlanZone, Priority } from "../api/types";
import { type Fit, type Point, roomiest } from "./geometry";

/** Hazards that stand so close that one mark stands for them. */
export interface Mark {
  readonly id: string;
  readonly at: Point;
  readonly priority: Priority;
  readonly kinds: readonly HazardKind[];
  readonly zone: string;
  readonly incident: string | null;
  /** Every hazard here is only known from before: silent, or its gateway is dead. */
  readonly isLastKnown: boolean;
}

const BY_GRADE: Readonly<Record<number, Priority>> = { 4: "P1", 3: "P2", 2: "P3" };
const TOGETHER_PX = 30;

/** The priority that a hazard is drawn with: its incident's, else what its grade says. */
export function priorityOf(hazard: Hazard, incidents: readonly Incident[]): Priority {
  const incident = incidents.find(({ id }) => id === hazard.incident);
  return incident?.priority ?? BY_GRADE[hazard.grade] ?? "P4";
}

/** One mark for each group of hazards that would cover each other, the most urgent first. */
export function placeMarks(
  hazards: readonly Hazard[],
  incidents: readonly Incident[],
  zones: readonly PlanZone[],
  fit: Fit,
): readonly Mark[] {
  const found: Mark[] = [];
  const ranked = hazards
    .map((hazard) => ({ hazard, priority: priorityOf(hazard, incidents) }))
    .sort((a, b) => a.priority.localeCompare(b.priority) || a.hazard.id.localeCompare(b.hazard.id));
  for (const { hazard, priority } of ranked) {
    const at = placeOf(hazard, zones, fit);
    if (at === null) continue;
    const near = found.findIndex(
      (mark) =>
        Math.hypot(mark.at[0] - at[0], mark.at[1] - at[1]) < TOGETHER_PX && mark.incident === hazard.incident,
    );
    const mark = found[near];
    const isLastKnown = hazard.state === "last_known";
    if (mark === undefined) {
      const { id, kind, zone, incident } = hazard;
      found.push({ id, at: apart(at, found), priority, kinds: [kind], zone, incident, isLastKnown });
    } else {
      const kinds = mark.kinds.includes(hazard.kind) ? mark.kinds : [...mark.kinds, hazard.kind];
      found[near] = { ...mark, kinds, isLastKnown: mark.isLastKnown && isLastKnown };
    }
  }
  return found;
}

function placeOf(hazard: Hazard, zones: readonly PlanZone[], fit: Fit): Point | null {
  const zone = zones.find(({ id }) => id === hazard.zone);
  if (zone === undefined) return null;
  if (hazard.place !== null) return fit.at([hazard.place.x_m, hazard.place.y_m]);
  return fit.at(roomiest(zone.polygon));
}

/** Beside marks that stand there already. */
function apart(at: Point, others: readonly Mark[]): Point {
  let [x, y] = at;
  for (let tries = 0; tries < 8; tries += 1) {
    if (!others.some((other) => Math.hypot(other.at[0] - x, other.at[1] - y) < 24)) break;
    x += 26;
  }
  return [x, y];
}
