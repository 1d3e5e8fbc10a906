import { Link, useLocation, useRoute } from "wouter";
import type { Incident, Priority, SiteSummary } from "../api/types";
import { usePreferences } from "../preferences";
import { useSite } from "../site";
import { useText } from "../text";
import { LoadSpark } from "./LoadSpark";
import { SiteClock } from "./Moment";
import { PriorityMark } from "./PriorityMark";
import { ThemeButton } from "./ThemeButton";

interface Props {
  readonly sites: readonly SiteSummary[];
  readonly load: readonly number[];
  readonly blindZones: number;
  readonly blindDevices: number;
  /** Incidents that nobody has acknowledged. */
  readonly unseen: readonly Incident[];
  readonly onHelp: () => void;
}

const URGENT: readonly Priority[] = ["P1", "P2"];

/** The header: which site, how much is asked of the operator, what cannot be seen, the site's clock. */
export function Masthead({ sites, load, blindZones, blindDevices, unseen, onHelp }: Props) {
  const text = useText();
  const { t, count } = text;
  const { site } = useSite();
  const { preferences, prefer } = usePreferences();
  const [, navigate] = useLocation();
  return (
    <header className="masthead">
      <span className="brand">Gatehouse</span>
      <label className="site-choice">
        <span className="unseen">{t("site")}</span>
        <select value={site} onChange={(event) => navigate(`~/sites/${event.target.value}`)}>
          {sites.map((one) => (
            <option key={one.site} value={one.site}>
              {text.named(one.name, one.site)}
              {one.site !== site && one.highest_priority !== null && ` (${one.highest_priority})`}
            </option>
          ))}
        </select>
      </label>
      <nav aria-label={t("nav")}>
        <NavLink href="/" name={t("nav.now")} keyName="1" />
        <NavLink href="/equipment" name={t("nav.equipment")} keyName="2" />
        <NavLink href="/settings" name={t("nav.settings")} keyName="3" />
      </nav>
      <div className="vitals">
        {URGENT.map((priority) => {
          const n = unseen.filter((incident) => incident.priority === priority).length;
          return n > 0 ? (
            <Link
              key={priority}
              href="/"
              className="vital unseen-count"
              title={count(`head.unseen.${priority as "P1" | "P2"}`, n)}
            >
              <PriorityMark
                priority={priority}
                size={20}
                label={count(`head.unseen.${priority as "P1" | "P2"}`, n)}
              />
              <b className="num">{n}</b>
            </Link>
          ) : null;
        })}
        <LoadSpark spans={load} />
        {blindZones + blindDevices > 0 && (
          <Link
            href="/equipment"
            className="vital"
            title={t("head.blind.long", { zones: blindZones, devices: blindDevices })}
          >
            <svg width="18" height="12" aria-hidden="true">
              <path d="M1 6q8-10 16 0q-8 10-16 0ZM3 12 15 0" className="blind-sign" />
            </svg>
            <span>{count("head.blind", blindZones + blindDevices)}</span>
          </Link>
        )}
        <SiteClock />
        <ThemeButton choice={preferences.theme} onChoose={(theme) => prefer({ theme })} />
        <button
          type="button"
          className="quiet"
          title={t("language.other.long")}
          lang={preferences.language === "en" ? "zh-CN" : "en"}
          onClick={() => prefer({ language: preferences.language === "en" ? "zh-CN" : "en" })}
        >
          {t("language.other")}
        </button>
        <button
          type="button"
          className="quiet help"
          aria-label={t("keys.title")}
          title={`${t("keys.title")} (?)`}
          onClick={onHelp}
        >
          ?
        </button>
      </div>
    </header>
  );
}

interface NavLinkProps {
  readonly href: string;
  readonly name: string;
  readonly keyName: string;
}

function NavLink({ href, name, keyName }: NavLinkProps) {
  const [isHere] = useRoute(href);
  return (
    <Link href={href} aria-current={isHere ? "page" : undefined} title={`${name} (${keyName})`}>
      {name}
    </Link>
  );
}
