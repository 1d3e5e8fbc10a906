import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

/** Who is told of incidents of a site, and what did not arrive. */
export function useNotifications(site: string, isEnabled: boolean) {
  return useQuery({
    queryKey: ["notifications", site],
    queryFn: () => read("/api/v1/sites/{site}/notifications", { site }),
    enabled: isEnabled,
    refetchInterval: 30_000,
  });
}
