import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

const REFETCH_MS = 30_000;

/** How full each zone is; asked again even without a notice, because figures age and go blind by themselves. */
export function useOccupancy(site: string) {
  return useQuery({
    queryKey: ["occupancy", site],
    queryFn: () => read("/api/v1/sites/{site}/occupancy", { site }),
    refetchInterval: REFETCH_MS,
  });
}
