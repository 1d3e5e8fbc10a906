import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { useHref } from "../address";
import type { Incident } from "../api/types";
import { Queue } from "../components/Queue";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useAcknowledge, useUnresolved } from "../data/incidents";
import { useKeys } from "../keys";
import { useSite } from "../site";
import { useMedia } from "../size";
import { useText } from "../text";
import { IncidentPanel } from "./IncidentPanel";
import { PlanPanel } from "./PlanPanel";

/** What needs me now? The queue, the plan beside it, and the incident that is open. */
export function NowPage() {
  const { t } = useText();
  const { site, mayOperate } = useSite();
  const incidents = useUnresolved(site);
  const acknowledge = useAcknowledge();
  const [search, setSearch] = useSearchParams();
  const [, navigate] = useLocation();
  const hrefOf = useHref();
  const isWide = useMedia("(min-width: 1000px)");
  const [isResolving, setResolving] = useState(false);
  const openId = search.get("open");

  const open = (id: string, resolving = false) => {
    setResolving(resolving);
    if (isWide) setSearch({ open: id });
    else navigate(`/incidents/${id}${resolving ? "?resolve" : ""}`);
  };
  const close = () => {
    setResolving(false);
    setSearch({});
  };
  useKeys(openId === null ? {} : { escape: close });

  const onAcknowledge = ({ id, state }: Incident) => {
    if (mayOperate && state === "open") acknowledge.mutate({ id, atSite: false });
  };
  return (
    <main className={openId !== null && isWide ? "now has-open" : "now"}>
      <h1 className="unseen">{t("nav.now")}</h1>
      <section className="now-queue live-part" aria-label={t("queue.title")}>
        {incidents.isPending && <Waiting rows={5} />}
        {incidents.isError && <Trouble error={incidents.error} onRetry={() => void incidents.refetch()} />}
        {acknowledge.isError && <Trouble error={acknowledge.error} />}
        {incidents.data && (
          <Queue
            incidents={incidents.data}
            openId={openId}
            hrefOf={hrefOf}
            onOpen={open}
            onAcknowledge={onAcknowledge}
            onResolve={({ id }) => mayOperate && open(id, true)}
          />
        )}
      </section>
      <PlanPanel openId={openId} hrefOf={hrefOf} onOpen={open} />
      {isWide && (
        <aside className="now-detail live-part" aria-label={t("incident.one")}>
          {openId === null ? (
            <p className="empty">{t("now.choose")}</p>
          ) : (
            <>
              <button
                type="button"
                className="close"
                aria-label={t("close")}
                title={`${t("close")} (Esc)`}
                onClick={close}
              >
                ×
              </button>
              <IncidentPanel
                key={openId}
                id={openId}
                isResolving={isResolving}
                onResolving={setResolving}
                hrefOf={hrefOf}
              />
            </>
          )}
        </aside>
      )}
    </main>
  );
}
