import type { ReactNode } from "react";
import type { DeviceHealth } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { Meter } from "./Meter";
import { Age } from "./Moment";

/** The cameras and sensors of a gateway; rates only where there are any. */
export function DeviceTable({ devices }: { readonly devices: readonly DeviceHealth[] }) {
  const { t } = useText();
  const { zoneName } = useSite();
  return (
    <div className="table-box">
      <table className="stacks">
        <thead>
          <tr>
            <th scope="col">{t("device.one")}</th>
            <th scope="col">{t("device.state")}</th>
            <th scope="col">{t("device.decode")}</th>
            <th scope="col">{t("device.inference")}</th>
            <th scope="col">{t("device.reconnects")}</th>
            <th scope="col">{t("device.heard")}</th>
          </tr>
        </thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.device} className={`is-${device.state}`}>
              <th scope="row">
                {device.device}
                <span className="fine">
                  {t(`device.${device.kind}`)} · {zoneName(device.zone)}
                </span>
              </th>
              <td data-name={t("device.state")}>
                <span className={`sees is-${device.state}`}>{t(`sees.${device.state}`)}</span>
              </td>
              <Cell name={t("device.decode")}>
                {device.decode !== null && (
                  <Meter tenths={device.decode} label={t("device.decode")} wantsFull />
                )}
              </Cell>
              <Cell name={t("device.inference")}>
                {device.inference !== null && (
                  <Meter tenths={device.inference} label={t("device.inference")} wantsFull />
                )}
              </Cell>
              <Cell name={t("device.reconnects")}>
                {device.reconnects !== null && t(`band.${device.reconnects}`)}
              </Cell>
              <Cell name={t("device.heard")}>{device.at !== null && <Age at={device.at} />}</Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  readonly name: string;
  readonly children: ReactNode;
}

/** A cell that names its column where the table is drawn as cards, and is left out there when it holds nothing. */
function Cell({ name, children }: CellProps) {
  return children === false ? <td className="is-none">–</td> : <td data-name={name}>{children}</td>;
}
