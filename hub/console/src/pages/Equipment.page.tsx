import { useState } from "react";
import { ConsumerList } from "../components/ConsumerList";
import { GatewayCard } from "../components/GatewayCard";
import { GatewayGrid } from "../components/GatewayGrid";
import { Age } from "../components/Moment";
import { QuarantineTable } from "../components/QuarantineTable";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useGateways, useQuarantine } from "../data/equipment";
import { useNotifications } from "../data/notifications";
import { useSite } from "../site";
import { useText } from "../text";
import { GapPanel } from "./GapPanel";

/** So many gateways are asked for their gaps at once; of more, the one that is chosen. */
const ASKED_AT_ONCE = 12;

/** What sees, what is silent, and what is being lost? */
export function EquipmentPage() {
  const { t } = useText();
  const { site, mayOperate } = useSite();
  const gateways = useGateways(site);
  const quarantine = useQuarantine(site, mayOperate);
  const notifications = useNotifications(site, mayOperate);
  const [chosen, setChosen] = useState<string | null>(null);
  if (gateways.isPending) return <Waiting rows={6} />;
  if (gateways.isError) return <Trouble error={gateways.error} onRetry={() => void gateways.refetch()} />;
  const all = gateways.data.gateways;
  const shown = all.filter(({ gateway }) => chosen === null || gateway === chosen);
  return (
    <main className="page">
      <header className="page-head">
        <h1>{t("nav.equipment")}</h1>
        <p className="fine">
          {t("as_of")} <Age at={gateways.data.asOf} />
        </p>
      </header>
      <section className="live-part" aria-label={t("equipment.gateways")}>
        <GatewayGrid
          gateways={all}
          chosen={chosen}
          onChoose={(gateway) => setChosen((before) => (before === gateway ? null : gateway))}
        />
        <div className="gateway-cards">
          {shown.map((gateway) => (
            <GatewayCard key={gateway.gateway} gateway={gateway}>
              {shown.length <= ASKED_AT_ONCE && <GapPanel gateway={gateway.gateway} />}
            </GatewayCard>
          ))}
        </div>
      </section>
      {mayOperate && (
        <section>
          <h2>{t("told.title")}</h2>
          {notifications.isPending && <Waiting />}
          {notifications.isError && (
            <Trouble error={notifications.error} onRetry={() => void notifications.refetch()} />
          )}
          {notifications.data && <ConsumerList notifications={notifications.data} />}
        </section>
      )}
      {mayOperate && (
        <section>
          <h2>{t("quarantine.title")}</h2>
          <p className="fine">{t("quarantine.what")}</p>
          {quarantine.isPending && <Waiting />}
          {quarantine.isError && (
            <Trouble error={quarantine.error} onRetry={() => void quarantine.refetch()} />
          )}
          {quarantine.data && <QuarantineTable rows={quarantine.data.rows} />}
        </section>
      )}
    </main>
  );
}
