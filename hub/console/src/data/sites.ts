import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

/** The sites that the signed-in person may see. */
export function useSites() {
  return useQuery({
    queryKey: ["sites"],
    queryFn: async () => (await read("/api/v1/sites")).sites,
  });
}

/** The plan of a site; it changes only with the site file. */
export function usePlan(site: string) {
  return useQuery({
    queryKey: ["plan", site],
    queryFn: () => read("/api/v1/sites/{site}", { site }),
    staleTime: 10 * 60_000,
  });
}
