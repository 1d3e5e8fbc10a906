import type { ReactNode } from "react";
import { IncidentActs } from "../components/IncidentActs";
import { IncidentStory } from "../components/IncidentStory";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useAcknowledge, useIncident, useResolve } from "../data/incidents";
import { useKeys } from "../keys";
import { useSite } from "../site";

interface Props {
  readonly id: string;
  readonly isResolving: boolean;
  readonly onResolving: (is: boolean) => void;
  readonly hrefOf: (id: string) => string;
  readonly children?: ReactNode;
}

/** One incident with what can be done about it: in the right part of Now, and the whole of the page on a phone. */
export function IncidentPanel({ id, isResolving, onResolving, hrefOf, children }: Props) {
  const story = useIncident(id);
  const acknowledge = useAcknowledge();
  const resolve = useResolve();
  const { mayOperate } = useSite();
  const state = story.data?.incident.state;
  useKeys({
    s: () => {
      if (mayOperate && state !== undefined && state !== "resolved") acknowledge.mutate({ id, atSite: true });
    },
  });
  if (story.isPending) return <Waiting rows={6} />;
  if (story.isError) return <Trouble error={story.error} onRetry={() => void story.refetch()} />;
  return (
    <IncidentStory story={story.data} hrefOf={hrefOf}>
      {mayOperate && (
        <IncidentActs
          incident={story.data.incident}
          isBusy={acknowledge.isPending || resolve.isPending}
          error={acknowledge.error ?? resolve.error}
          isResolving={isResolving}
          isToldAtSite={acknowledge.isSuccess && acknowledge.variables.atSite}
          onAcknowledge={(atSite) => acknowledge.mutate({ id, atSite })}
          onResolving={onResolving}
          onResolve={(cause, note) =>
            resolve.mutate({ id, cause, note }, { onSuccess: () => onResolving(false) })
          }
        />
      )}
      {children}
    </IncidentStory>
  );
}
