import { useNow } from "../now";
import { useSite } from "../site";
import { useText } from "../text";
import { ageOf, clockTime, clockTimeWithSeconds, countdown, fullTime, monthDay, sameDay } from "../time";

interface MomentProps {
  readonly at: string;
  readonly seconds?: boolean;
  /** What is in sight where it is another day than today: the date, day and time, or the time alone. */
  readonly elsewhen?: "date" | "day and time" | "time";
}

/** A moment by the site's clock; date and zone on hover, the date in sight where it is another day. */
export function Moment({ at, seconds = false, elsewhen = "date" }: MomentProps) {
  const { language } = useText();
  const zone = useSite().plan.time_zone;
  const now = useNow(60_000);
  const ms = Date.parse(at);
  const full = fullTime(ms, zone, language);
  const clock = seconds ? clockTimeWithSeconds(ms, zone, language) : clockTime(ms, zone, language);
  const isClock = sameDay(ms, now, zone) || elsewhen === "time";
  const date =
    elsewhen === "day and time"
      ? `${monthDay(ms, zone, language)} ${clock}`
      : full.slice(0, full.lastIndexOf(" ", full.lastIndexOf(",")));
  return (
    <time dateTime={at} title={full} className="num">
      {isClock ? clock : date}
    </time>
  );
}

interface AgeProps {
  readonly at: string;
  /** Since when something holds, said as a span: "for 2 h" instead of "2 h ago". */
  readonly asSpan?: boolean;
}

/** How long ago something was, or for how long it has been so. */
export function Age({ at, asSpan = false }: AgeProps) {
  const { t, language } = useText();
  const zone = useSite().plan.time_zone;
  const now = useNow(5_000);
  const ms = Date.parse(at);
  const { unit, n } = ageOf(now - ms);
  return (
    <time dateTime={at} title={fullTime(ms, zone, language)} className="num">
      {t(`${asSpan ? "for" : "ago"}.${unit}`, { n })}
    </time>
  );
}

/** Time left until a moment, counting down; below zero once it has run out. */
export function Countdown({ until }: { readonly until: string }) {
  const { t, language } = useText();
  const zone = useSite().plan.time_zone;
  const left = Date.parse(until) - useNow();
  return (
    <time
      dateTime={until}
      title={t("queue.due", { at: fullTime(Date.parse(until), zone, language) })}
      className={left < 0 ? "countdown num is-late" : "countdown num"}
    >
      {countdown(left)}
    </time>
  );
}

/** The site's clock. */
export function SiteClock() {
  const { language } = useText();
  const zone = useSite().plan.time_zone;
  const now = useNow();
  return (
    <time className="site-clock num" title={fullTime(now, zone, language)}>
      {clockTime(now, zone, language)}
    </time>
  );
}
