import { GapReport } from "../components/GapReport";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useGapReport } from "../data/equipment";
import { useSite } from "../site";

/** What came through of one gateway's rows, in its card. */
export function GapPanel({ gateway }: { readonly gateway: string }) {
  const { site } = useSite();
  const report = useGapReport(site, gateway, true);
  if (report.isPending) return <Waiting />;
  if (report.isError) return <Trouble error={report.error} onRetry={() => void report.refetch()} />;
  return <GapReport report={report.data} />;
}
