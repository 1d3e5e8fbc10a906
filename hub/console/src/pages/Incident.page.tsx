import { useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useHref } from "../address";
import { useAcknowledge, useIncident } from "../data/incidents";
import { useKeys } from "../keys";
import { useSite } from "../site";
import { useText } from "../text";
import { IncidentPanel } from "./IncidentPanel";
import { PlanPanel } from "./PlanPanel";

/** One incident by its own address: the story first, the plan beside it or below. */
export function IncidentPage({ id }: { readonly id: string }) {
  const { t } = useText();
  const { mayOperate } = useSite();
  const [search] = useSearchParams();
  const [isResolving, setResolving] = useState(search.has("resolve"));
  const [, navigate] = useLocation();
  const story = useIncident(id);
  const acknowledge = useAcknowledge();
  const hrefOf = useHref();
  const state = story.data?.incident.state;
  useKeys({
    a: () => {
      if (mayOperate && state === "open") acknowledge.mutate({ id, atSite: false });
    },
    r: () => setResolving(mayOperate && state !== "resolved"),
    escape: () => navigate("/"),
  });
  return (
    <main className="one">
      <h1 className="unseen">{t("incident.one")}</h1>
      <div className="one-story live-part">
        <Link href="/" className="back">
          ← {t("incident.back")}
        </Link>
        <IncidentPanel id={id} isResolving={isResolving} onResolving={setResolving} hrefOf={hrefOf} />
      </div>
      <PlanPanel openId={id} hrefOf={hrefOf} onOpen={(other) => navigate(`/incidents/${other}`)} />
    </main>
  );
}
