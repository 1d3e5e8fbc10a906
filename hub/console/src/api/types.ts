import type { components, paths } from "./schema.gen";

/** Names for the generated shapes, so that the rest of the console need not spell out the document's path. */
type Schemas = components["schemas"];

export type Cause = Schemas["Cause"];
export type DeviceHealth = Schemas["DeviceHealth"];
export type DeviceKind = Schemas["DeviceKind"];
export type GapFigure = Schemas["GapFigure"];
export type GapReport = Schemas["GapReport"];
export type Gateway = Schemas["Gateway"];
export type GatewayLoad = Schemas["GatewayLoad"];
export type Hazard = Schemas["Hazard"];
export type HazardKind = Schemas["HazardKind"];
export type Incident = Schemas["Incident"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type LaneAccount = Schemas["LaneAccount"];
export type Level = Schemas["Level"];
export type LiveBye = Schemas["LiveBye"];
export type LiveChange = Schemas["LiveChange"];
export type LiveHeartbeat = Schemas["LiveHeartbeat"];
export type LiveHello = Schemas["LiveHello"];
export type Measure = Schemas["Measure"];
export type Member = Schemas["Member"];
export type Names = Schemas["Names"];
export type NearMiss = Schemas["NearMiss"];
export type Notifications = Schemas["Notifications"];
export type Occupancy = Schemas["Occupancy"];
export type PlanDevice = Schemas["PlanDevice"];
export type PlanZone = Schemas["PlanZone"];
export type Priority = Incident["priority"];
export type QuarantineRow = Schemas["QuarantineRow"];
export type Reason = Schemas["Reason"];
export type Scope = Schemas["Scope"];
export type Sees = Schemas["Sees"];
export type Session = Schemas["Session"];
export type SitePlan = Schemas["SitePlan"];
export type SiteSummary = Schemas["SiteSummary"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Token = Schemas["Token"];
export type TokenNew = Schemas["TokenNew"];
export type TokenSecret = Schemas["TokenSecret"];
export type ZoneOccupancy = Schemas["ZoneOccupancy"];

type Json<Operation> = Operation extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;

/** Addresses that can be read, and what each answers. */
export type ReadPath = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
export type Read<P extends ReadPath> = paths[P] extends { get: infer Operation } ? Json<Operation> : never;
