import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { type LineState, openLive } from "../api/live";
import type { LiveChange } from "../api/types";
import { SESSION_KEY } from "./session";

const GATHER_MS = 400;

/** Which answers a notice makes old. */
export const MADE_OLD: Readonly<Record<LiveChange["kind"], readonly string[]>> = {
  incident: ["incidents", "incident", "sites"],
  hazard: ["hazards", "incident"],
  occupancy: ["occupancy"],
  gateway: ["gateways", "occupancy", "sites", "quarantine"],
};

interface Live {
  readonly line: LineState;
  /** The hub's clock minus this machine's; countdowns run by the hub's. */
  readonly skewMs: number;
}

const LiveContext = createContext<Live>({ line: { state: "connecting" }, skewMs: 0 });

/** The state of the line and the hub's clock. */
export function useLive(): Live {
  return useContext(LiveContext);
}

/** Listens to a site as long as it is shown; notices are gathered, so that a burst is one fetch. */
export function LiveProvider({ site, children }: { readonly site: string; readonly children: ReactNode }) {
  const client = useQueryClient();
  const [line, setLine] = useState<LineState>({ state: "connecting" });
  const [skewMs, setSkewMs] = useState(0);

  useEffect(() => {
    const old = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refetch = () => {
      timer = undefined;
      void client.invalidateQueries({ predicate: ({ queryKey }) => old.has(String(queryKey[0])) });
      old.clear();
    };
    const end = openLive(site, {
      onHello: () =>
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] }),
      onChange: (change) => {
        for (const name of MADE_OLD[change.kind]) old.add(name);
        timer ??= setTimeout(refetch, GATHER_MS);
      },
      onLine: setLine,
      onClock: setSkewMs,
      onSignedOut: () => void client.invalidateQueries({ queryKey: SESSION_KEY }),
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [client, site]);

  return <LiveContext value={{ line, skewMs }}>{children}</LiveContext>;
}
