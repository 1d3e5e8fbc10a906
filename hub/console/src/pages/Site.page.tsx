import { useEffect } from "react";
import { Redirect, Route, Switch, useSearchParams } from "wouter";
import type { Session, SiteSummary } from "../api/types";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { LiveProvider } from "../data/live";
import { usePlan } from "../data/sites";
import { usePreferences } from "../preferences";
import { SiteProvider } from "../site";
import { EquipmentPage } from "./Equipment.page";
import { IncidentPage } from "./Incident.page";
import { NowPage } from "./Now.page";
import { SettingsPage } from "./Settings.page";
import { Shell } from "./Shell.page";
import { WallPage } from "./Wall.page";

interface Props {
  readonly site: string;
  readonly sites: readonly SiteSummary[];
  readonly session: Session;
}

/** Everything about one site, on one live line. */
export function SitePages({ site, sites, session }: Props) {
  const plan = usePlan(site);
  const { prefer } = usePreferences();
  const [search] = useSearchParams();
  // biome-ignore lint/correctness/useExhaustiveDependencies: remembered once for each site that is opened
  useEffect(() => prefer({ site }), [site]);
  if (plan.isPending) return <Waiting />;
  if (plan.isError) return <Trouble error={plan.error} onRetry={() => void plan.refetch()} />;
  return (
    <SiteProvider plan={plan.data} session={session}>
      <LiveProvider site={site}>{search.has("wall") ? <WallPage /> : <Rooms sites={sites} />}</LiveProvider>
    </SiteProvider>
  );
}

function Rooms({ sites }: { readonly sites: readonly SiteSummary[] }) {
  return (
    <Shell sites={sites}>
      <Switch>
        <Route path="/" component={NowPage} />
        <Route path="/incidents/:incident">
          {({ incident }) => <IncidentPage key={incident} id={incident} />}
        </Route>
        <Route path="/equipment" component={EquipmentPage} />
        <Route path="/settings" component={SettingsPage} />
        <Route>
          <Redirect to="/" replace />
        </Route>
      </Switch>
    </Shell>
  );
}
