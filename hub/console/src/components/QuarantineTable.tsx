import type { QuarantineRow } from "../api/types";
import { useText } from "../text";
import { Moment } from "./Moment";

/** What was refused and why; never its content. */
export function QuarantineTable({ rows }: { readonly rows: readonly QuarantineRow[] }) {
  const { t } = useText();
  if (rows.length === 0) return <p className="empty">{t("quarantine.empty")}</p>;
  return (
    <div className="table-box">
      <table>
        <thead>
          <tr>
            <th scope="col">{t("quarantine.at")}</th>
            <th scope="col">{t("quarantine.gateway")}</th>
            <th scope="col">{t("quarantine.reason")}</th>
            <th scope="col">{t("quarantine.message")}</th>
            <th scope="col">{t("quarantine.row")}</th>
            <th scope="col">{t("quarantine.seen")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>
                <Moment at={row.arrived_at} seconds />
              </td>
              <td>{row.gateway}</td>
              <td>{t(`refusal.${row.reason}`)}</td>
              <td className="wordy">{row.message}</td>
              <td className="num" title={`${row.epoch ?? ""}\nsha256 ${row.sha256}`}>
                {row.lane === null ? `${row.size_bytes} B` : `${t(`lane.${row.lane}`)} ${row.seq ?? ""}`}
              </td>
              <td className="num">{row.seen}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
