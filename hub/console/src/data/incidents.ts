import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { fillPath, read, send } from "../api/client";
import type { Cause, Incident, IncidentDetail } from "../api/types";

const UNRESOLVED = ["open", "acknowledged"] as const;
const PAGE = 200;
const PAGES_MAX = 5;

/** Every incident that is not resolved, at most a thousand; newest first. */
export function useUnresolved(site: string) {
  return useQuery({ queryKey: ["incidents", site, "unresolved"], queryFn: () => readUnresolved(site) });
}

async function readUnresolved(site: string): Promise<readonly Incident[]> {
  const found: Incident[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await read(
      "/api/v1/sites/{site}/incidents",
      { site },
      { state: UNRESOLVED, limit: PAGE, before },
    );
    found.push(...answer.incidents);
    if (answer.next_before === null) break;
    before = answer.next_before;
  }
  return found.filter((incident) => incident.merged_into === null);
}

/** The newest incidents in any state: what the load is counted from. */
export function useRecentIncidents(site: string) {
  return useQuery({
    queryKey: ["incidents", site, "recent"],
    queryFn: async () => (await read("/api/v1/sites/{site}/incidents", { site }, { limit: PAGE })).incidents,
  });
}

/** One incident with its whole story. */
export function useIncident(id: string) {
  return useQuery({
    queryKey: ["incident", id],
    queryFn: () => read("/api/v1/incidents/{incident}", { incident: id }),
  });
}

export interface AcknowledgeInput {
  readonly id: string;
  readonly atSite: boolean;
}

/** Say that somebody has seen it. */
export function useAcknowledge() {
  return useAct(({ id, atSite }: AcknowledgeInput) =>
    send<Incident>("POST", fillPath("/api/v1/incidents/{incident}/acknowledge", { incident: id }), {
      at_site: atSite,
    }),
  );
}

export interface ResolveInput {
  readonly id: string;
  readonly cause: Cause;
  readonly note: string;
}

/** Say that it is over, and what it was. */
export function useResolve() {
  return useAct(({ id, cause, note }: ResolveInput) =>
    send<Incident>("POST", fillPath("/api/v1/incidents/{incident}/resolve", { incident: id }), {
      cause,
      note: note.trim() === "" ? null : note.trim(),
    }),
  );
}

function useAct<Input>(act: (input: Input) => Promise<Incident>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (incident) => {
      client.setQueryData<IncidentDetail>(
        ["incident", incident.id],
        (story) => story && { ...story, incident },
      );
    },
    // Not awaited: the act is done, and what it made old comes by itself.
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["incident"] });
      void client.invalidateQueries({ queryKey: ["incidents"] });
    },
  });
}
