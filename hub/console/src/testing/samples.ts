import type { Hazard, Incident, IncidentDetail, PlanZone, Session, SitePlan } from "../api/types";

export const OPERATOR: Session = {
  name: "night_desk",
  role: "operator",
  sites: null,
  csrf: "token-1",
  must_change_password: false,
  expires_at: "2026-05-05T01:00:00.000Z",
};

export function zone(id: string, polygon: PlanZone["polygon"], more: Partial<PlanZone> = {}): PlanZone {
  return {
    id,
    name: { en: id, "zh-CN": null },
    kind: "moving",
    serves: "public",
    polygon,
    storey: 0,
    area_m2: 400,
    capacity: null,
    closed_hours: [],
    neighbours: [],
    ...more,
  };
}

export const PLAN: SitePlan = {
  site: "riverside",
  name: { en: "Riverside Gardens", "zh-CN": "滨江花园" },
  time_zone: "Asia/Shanghai",
  closes_at: null,
  origin: null,
  bounds: [0, 0, 40, 20],
  zones: [
    zone(
      "plaza",
      [
        [0, 0],
        [20, 0],
        [20, 20],
        [0, 20],
      ],
      { name: { en: "Plaza", "zh-CN": "广场" } },
    ),
    zone(
      "shed_2",
      [
        [20, 0],
        [40, 0],
        [40, 20],
        [20, 20],
      ],
      { name: { en: "Shed 2", "zh-CN": null } },
    ),
  ],
  gates: [],
  devices: [],
};

export function incident(id: string, more: Partial<Incident> = {}): Incident {
  return {
    id,
    site: "riverside",
    kind: "fire_smoke",
    hazard_class: "t",
    zone: "shed_2",
    zones: ["shed_2"],
    state: "open",
    priority: "P2",
    opened_at: "2026-05-04T12:40:00.000Z",
    updated_at: "2026-05-04T12:40:00.000Z",
    due_at: "2026-05-04T12:41:00.000Z",
    hazards: 1,
    hazards_open: 1,
    drill: false,
    historical: false,
    summary: { en: "Smoke in Shed 2", "zh-CN": null },
    acknowledged_at: null,
    acknowledged_by: null,
    resolved_at: null,
    resolved_by: null,
    cause: null,
    merged_into: null,
    ...more,
  };
}

export function hazard(id: string, more: Partial<Hazard> = {}): Hazard {
  return {
    id,
    site: "riverside",
    kind: "fire_smoke",
    hazard_class: "t",
    zone: "shed_2",
    device: "smoke_shed",
    gateway: "gw_shed",
    rule: "shed_2_smoke",
    state: "open",
    grade: 3,
    confidence: 18,
    confirm_s: 10,
    raised_at: "2026-05-04T12:40:00.000Z",
    updated_at: "2026-05-04T12:40:00.000Z",
    cleared_at: null,
    armed: true,
    drill: false,
    historical: false,
    count: null,
    measure: null,
    place: null,
    incident: null,
    ...more,
  };
}

export function story(of: Incident): IncidentDetail {
  const hot = hazard("h1", { kind: "thermal_hotspot" });
  const smoke = hazard("h2");
  const reason = { key: "linked", params: {}, text: { en: "Smoke 30 s after a hot spot", "zh-CN": null } };
  return {
    incident: of,
    members: [
      { hazard: hot, links: [] },
      { hazard: smoke, links: [{ to: "h1", score: 3200, reasons: [reason] }] },
    ],
    timeline: [],
    near_misses: [],
    urgency: [{ key: "kind", params: {}, text: { en: "by its kind", "zh-CN": null } }],
    weights: "expert-1",
    told: [],
    not_told: [],
  };
}
