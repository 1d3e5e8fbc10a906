import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

/** Every gateway of a site, and the devices of all of them. */
export function useGateways(site: string) {
  return useQuery({
    queryKey: ["gateways", site],
    queryFn: async () => {
      const { as_of, gateways } = await read("/api/v1/sites/{site}/gateways", { site });
      return { asOf: as_of, gateways, devices: gateways.flatMap(({ devices }) => devices) };
    },
  });
}

/** What of a gateway's rows is here, on its way, or gone. */
export function useGapReport(site: string, gateway: string, isEnabled: boolean) {
  return useQuery({
    queryKey: ["gateways", site, gateway, "gaps"],
    queryFn: () => read("/api/v1/sites/{site}/gateways/{gateway}/gaps", { site, gateway }),
    enabled: isEnabled,
  });
}

/** The newest refused rows. */
export function useQuarantine(site: string, isEnabled: boolean) {
  return useQuery({
    queryKey: ["quarantine", site],
    queryFn: () => read("/api/v1/sites/{site}/quarantine", { site }, { limit: 50 }),
    enabled: isEnabled,
  });
}
