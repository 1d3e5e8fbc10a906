import type { GapFigure, GapReport as Report } from "../api/types";
import { useSite } from "../site";
import { useText } from "../text";
import { sameDay } from "../time";
import { LaneTable } from "./LaneTable";
import { Moment } from "./Moment";

/** What of a gateway's rows is here, on its way, or gone, and why: first in words, then in numbers for who wants them. */
export function GapReport({ report }: { readonly report: Report }) {
  const { t, count } = useText();
  return (
    <section className="gap-report" aria-label={t("account.title")}>
      <h4>{t("account.title")}</h4>
      <p className={report.missing > 0 ? "account is-missing" : "account"}>
        {report.lanes.length === 0 && t("account.never")}
        {report.complete && t("account.complete")}
        {report.missing > 0 && <b>{count("account.missing", report.missing)}</b>}{" "}
        {report.on_the_way > 0 && count("account.on_the_way", report.on_the_way)}
      </p>
      {report.gaps.length > 0 && (
        <ul className="gap-list">
          {report.gaps.map((gap) => (
            <GapLine key={`${gap.epoch} ${gap.lane} ${gap.from_seq} ${gap.to_seq}`} gap={gap} />
          ))}
          {report.more_gaps && <li className="fine">{t("account.more")}</li>}
        </ul>
      )}
      {report.lanes.length > 0 && (
        <details>
          <summary>{t("account.numbers")}</summary>
          <LaneTable lanes={report.lanes} />
        </details>
      )}
    </section>
  );
}

function GapLine({ gap }: { readonly gap: GapFigure }) {
  const { t, count } = useText();
  const what = gap.lane === "alarm" ? "gap.alarms" : "gap.readings";
  const numbers = t("gap.numbers", { from: gap.from_seq, to: gap.to_seq, epoch: gap.epoch });
  return (
    <li title={numbers}>
      {gap.count > 0 && (
        <>
          <span className="num">{count(what, gap.count)}</span>
          {t("gap.colon")}
        </>
      )}
      {t(`gap.said.${gap.reason}`)} · <Period gap={gap} />
    </li>
  );
}

/** When the rows of a gap were written: between its neighbours; where there are none, when the hub was told. */
function Period({ gap }: { readonly gap: GapFigure }) {
  const { t } = useText();
  const zone = useSite().plan.time_zone;
  const { after, before } = gap;
  const isOneDay = after !== null && before !== null && sameDay(Date.parse(after), Date.parse(before), zone);
  if (after === null && before === null)
    return (
      <>
        {t("gap.told")} <Moment at={gap.at} />
      </>
    );
  return (
    <>
      {after === null ? t("gap.until") : <Moment at={after} elsewhen="day and time" />}
      {after !== null && before !== null && "–"}
      {before === null ? (
        ` ${t("gap.since")}`
      ) : (
        <Moment at={before} elsewhen={isOneDay ? "time" : "day and time"} />
      )}
    </>
  );
}
