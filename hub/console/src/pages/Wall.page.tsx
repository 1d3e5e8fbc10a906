import { LineNotice } from "../components/LineNotice";
import { LoadSpark } from "../components/LoadSpark";
import { SiteClock } from "../components/Moment";
import { useRecentIncidents, useUnresolved } from "../data/incidents";
import { useLive } from "../data/live";
import { loadOf } from "../load";
import { useNow } from "../now";
import { useSite } from "../site";
import { useText } from "../text";
import { useTheme } from "../theme";
import { useTitle } from "../title";
import { PlanPanel } from "./PlanPanel";

/** For a wall: the plan and the load, to be read at five metres; always dark, nothing to press. */
export function WallPage() {
  const text = useText();
  const { site, plan } = useSite();
  const { line } = useLive();
  const unresolved = useUnresolved(site);
  const recent = useRecentIncidents(site);
  const now = useNow(30_000);
  useTheme(plan.time_zone, "dark");
  useTitle(unresolved.data);
  return (
    <div className={line.state === "lost" ? "wall is-lost" : "wall"}>
      <header className="wall-head">
        <h1>{text.named(plan.name, plan.site)}</h1>
        <LoadSpark spans={loadOf(recent.data ?? [], now)} size={2} />
        <SiteClock />
      </header>
      <LineNotice line={line} />
      <PlanPanel isWall />
    </div>
  );
}
