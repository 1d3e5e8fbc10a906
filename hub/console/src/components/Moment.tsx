import { useNow } from "../now";
import { useSite } from "../site";
import { useText } from "../text";
import { ageOf, clockTime, clockTimeWithSeconds, countdown, fullTime, sameDay } from "../time";

interface MomentProps {
  readonly at: string;
  readonly seconds?: boolean;
}

/** A moment by the site's clock; date and zone on hover, the date in sight where it is another day. */
export function Moment({ at, seconds = false }: MomentProps) {
  const { language } = useText();
  const zone = useSite().plan.time_zone;
  const now = useNow(60_000);
  const ms = Date.parse(at);
  const full = fullTime(ms, zone, language);
  const clock = seconds ? clockTimeWithSeconds(ms, zone, language) : clockTime(ms, zone, language);
  return (
    <time dateTime={at} title={full} className="num">
      {sameDay(ms, now, zone) ? clock : full.slice(0, full.lastIndexOf(" ", full.lastIndexOf(",")))}
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
