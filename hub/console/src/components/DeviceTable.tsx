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
              <td data-name={t("device.decode")}>
                <Meter tenths={device.decode} label={t("device.decode")} wantsFull />
              </td>
              <td data-name={t("device.inference")}>
                <Meter tenths={device.inference} label={t("device.inference")} wantsFull />
              </td>
              <td data-name={t("device.reconnects")}>
                {device.reconnects === null ? "–" : t(`band.${device.reconnects}`)}
              </td>
              <td data-name={t("device.heard")}>{device.at === null ? "–" : <Age at={device.at} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
