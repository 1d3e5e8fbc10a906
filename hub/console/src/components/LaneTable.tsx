import type { LaneAccount } from "../api/types";
import { useText } from "../text";

/** The numbers of each lane of each outbox of a gateway. */
export function LaneTable({ lanes }: { readonly lanes: readonly LaneAccount[] }) {
  const { t } = useText();
  const columns = ["last", "upto", "stored", "unaccounted", "waiting", "quarantined"] as const;
  return (
    <div className="table-box">
      <table className="stacks">
        <thead>
          <tr>
            <th scope="col">{t("account.outbox")}</th>
            {columns.map((column) => (
              <th key={column} scope="col">
                {t(`account.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lanes.map((lane) => (
            <tr key={`${lane.epoch} ${lane.lane}`}>
              <th scope="row" title={lane.epoch}>
                {t(`lane.${lane.lane}`)} <span className="fine">{lane.epoch.slice(0, 6)}</span>
              </th>
              {columns.map((column) => (
                <td key={column} className="num" data-name={t(`account.${column}`)}>
                  {lane[column]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
