import type { ReactNode } from "react";
import type { Gateway } from "../api/types";
import { useText } from "../text";
import { ClockNotice, OFFSET_BAD_MS } from "./ClockNotice";
import { DeviceTable } from "./DeviceTable";
import { Meter } from "./Meter";
import { Age } from "./Moment";

interface Props {
  readonly gateway: Gateway;
  /** What came through of its rows, below its devices. */
  readonly children?: ReactNode;
}

/** One gateway: whether it is there, its clock, what waits in its outbox, its load and its devices. */
export function GatewayCard({ gateway, children }: Props) {
  const { t } = useText();
  const { load } = gateway;
  return (
    <article className={`gateway is-${gateway.presence}`} aria-label={gateway.gateway}>
      <header>
        <h3>{gateway.gateway}</h3>
        <span className={`presence is-${gateway.presence}`}>{t(`presence.${gateway.presence}`)}</span>
        {gateway.since !== null && (
          <span className="fine">
            <Age at={gateway.since} asSpan />
          </span>
        )}
      </header>
      <ClockNotice gateway={gateway} />
      <dl className="facts">
        <Fact name={t("gateway.heard")}>
          {gateway.last_seen_at === null ? t("never") : <Age at={gateway.last_seen_at} />}
        </Fact>
        <Fact
          name={t("gateway.clock")}
          isBad={Math.abs(gateway.offset_ms ?? 0) > OFFSET_BAD_MS || gateway.clock === "unsynced"}
        >
          <ClockText gateway={gateway} />
        </Fact>
        <Fact name={t("gateway.software")}>{gateway.software ?? "–"}</Fact>
        <Fact name={t("gateway.models")} isBad={gateway.unreviewed_model}>
          {gateway.models.length === 0 ? "–" : gateway.models.join(", ")}
          {gateway.unreviewed_model && ` (${t("gateway.unreviewed")})`}
        </Fact>
        {load && (
          <>
            <Fact name={t("gateway.outbox")}>
              {load.outbox_rows === "none"
                ? t("band.none")
                : t("gateway.outbox.text", {
                    rows: t(`band.${load.outbox_rows}`),
                    age: t(`ageband.${load.outbox_age}`),
                  })}
            </Fact>
            <Fact name={t("gateway.cpu")}>
              <Meter tenths={load.cpu} label={t("gateway.cpu")} />
            </Fact>
            <Fact name={t("gateway.memory")}>
              <Meter tenths={load.memory} label={t("gateway.memory")} />
            </Fact>
            <Fact name={t("gateway.disk")}>
              <Meter tenths={load.disk} label={t("gateway.disk")} />
            </Fact>
            <Fact name={t("gateway.load.at")}>
              <Age at={load.at} />
            </Fact>
          </>
        )}
        {gateway.quarantined > 0 && (
          <Fact name={t("gateway.quarantined")} isBad>
            <span className="num">{gateway.quarantined}</span>
          </Fact>
        )}
      </dl>
      <DeviceTable devices={gateway.devices} />
      {children}
    </article>
  );
}

interface FactProps {
  readonly name: string;
  readonly isBad?: boolean;
  readonly children: ReactNode;
}

function Fact({ name, isBad = false, children }: FactProps) {
  return (
    <div className={isBad ? "is-bad" : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function ClockText({ gateway }: { readonly gateway: Gateway }) {
  const { t } = useText();
  const { clock, offset_ms: offset, offset_uncertainty_ms: within } = gateway;
  const state = clock === null ? null : t(`clock.${clock}`);
  if (offset === null) return <>{state ?? t("clock.unmeasured")}</>;
  const signed = `${offset > 0 ? "+" : offset < 0 ? "−" : ""}${Math.abs(offset)}`;
  return (
    <span className="num" title={t("clock.long")}>
      {signed} ms{within !== null && ` ± ${within}`}
      {state !== null && clock === "unsynced" && ` · ${state}`}
    </span>
  );
}
