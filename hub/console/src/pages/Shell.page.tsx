import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import type { SiteSummary } from "../api/types";
import { useChime } from "../chime";
import { KeyHelp } from "../components/KeyHelp";
import { LineNotice } from "../components/LineNotice";
import { Masthead } from "../components/Masthead";
import { useGateways } from "../data/equipment";
import { useRecentIncidents, useUnresolved } from "../data/incidents";
import { useLive } from "../data/live";
import { useOccupancy } from "../data/occupancy";
import { useKeys } from "../keys";
import { loadOf } from "../load";
import { useNow } from "../now";
import { useSite } from "../site";
import { useTheme } from "../theme";
import { useTitle } from "../title";

interface Props {
  readonly sites: readonly SiteSummary[];
  readonly children: ReactNode;
}

/** The frame of every page of a site: the header, the state of the line, the keys, the sound. */
export function Shell({ sites, children }: Props) {
  const { site, plan } = useSite();
  const { line } = useLive();
  const unresolved = useUnresolved(site);
  const recent = useRecentIncidents(site);
  const occupancy = useOccupancy(site);
  const gateways = useGateways(site);
  const [hasHelp, setHelp] = useState(false);
  const [, navigate] = useLocation();
  const now = useNow(30_000);
  useTheme(plan.time_zone);
  useChime(unresolved.data);
  useTitle(unresolved.data);
  useKeys({
    "?": () => setHelp((is) => !is),
    "1": () => navigate("/"),
    "2": () => navigate("/equipment"),
    "3": () => navigate("/settings"),
  });
  useKeys(hasHelp ? { escape: () => setHelp(false) } : {}, true);
  return (
    <div className={line.state === "lost" ? "shell is-lost" : "shell"}>
      <Masthead
        sites={sites}
        load={loadOf(recent.data ?? [], now)}
        blindZones={occupancy.data?.zones.filter(({ sight }) => sight === "blind").length ?? 0}
        blindDevices={
          gateways.data?.devices.filter(({ state }) => state === "down" || state === "unknown").length ?? 0
        }
        unseen={unresolved.data?.filter(({ state }) => state === "open") ?? []}
        onHelp={() => setHelp(true)}
      />
      <LineNotice line={line} />
      {children}
      {hasHelp && <KeyHelp onClose={() => setHelp(false)} />}
    </div>
  );
}
