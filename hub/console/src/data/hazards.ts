import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

/** Hazards that still hold. */
export function useOpenHazards(site: string) {
  return useQuery({
    queryKey: ["hazards", site],
    queryFn: async () => (await read("/api/v1/sites/{site}/hazards", { site }, { open: true })).hazards,
  });
}
