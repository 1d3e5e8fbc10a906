import { SitePlanView } from "../components/SitePlanView";
import { Trouble } from "../components/Trouble";
import { useGateways } from "../data/equipment";
import { useOpenHazards } from "../data/hazards";
import { useUnresolved } from "../data/incidents";
import { useOccupancy } from "../data/occupancy";
import { useSite } from "../site";

interface Props {
  readonly openId?: string | null;
  readonly hrefOf?: (id: string) => string;
  readonly onOpen?: (id: string) => void;
  readonly isWall?: boolean;
}

const NONE = [] as const;

/** The plan with what is on it now. */
export function PlanPanel(props: Props) {
  const { site, plan } = useSite();
  const occupancy = useOccupancy(site);
  const hazards = useOpenHazards(site);
  const incidents = useUnresolved(site);
  const gateways = useGateways(site);
  const error = occupancy.error ?? hazards.error;
  return (
    <section className="now-plan live-part">
      {error && <Trouble error={error} />}
      <SitePlanView
        {...props}
        plan={plan}
        zones={occupancy.data?.zones ?? NONE}
        hazards={hazards.data ?? NONE}
        incidents={incidents.data ?? NONE}
        devices={gateways.data?.devices ?? NONE}
      />
    </section>
  );
}
