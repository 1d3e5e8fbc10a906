import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { PlanZone, Session, SitePlan } from "./api/types";
import { type Text, useText } from "./text";

/** What every part of a site's pages needs: who is there, which site, its clock, the names of its zones. */
export interface SiteView {
  readonly site: string;
  readonly session: Session;
  readonly plan: SitePlan;
  readonly zone: (id: string) => PlanZone | undefined;
  readonly zoneName: (id: string) => string;
  /** Whether the person may acknowledge and resolve. */
  readonly mayOperate: boolean;
}

const SiteContext = createContext<SiteView | null>(null);

/** The site that is shown. */
export function useSite(): SiteView {
  const view = useContext(SiteContext);
  if (view === null) throw new Error("useSite needs a SiteProvider above it");
  return view;
}

interface Props {
  readonly plan: SitePlan;
  readonly session: Session;
  readonly children: ReactNode;
}

/** Makes a site the one that is shown. */
export function SiteProvider({ plan, session, children }: Props) {
  const text = useText();
  const view = useMemo(() => viewOf(plan, session, text), [plan, session, text]);
  return <SiteContext value={view}>{children}</SiteContext>;
}

function viewOf(plan: SitePlan, session: Session, text: Text): SiteView {
  const zones = new Map(plan.zones.map((zone) => [zone.id, zone]));
  return {
    site: plan.site,
    session,
    plan,
    zone: (id) => zones.get(id),
    zoneName: (id) => text.named(zones.get(id)?.name, id),
    mayOperate: session.role !== "viewer",
  };
}
