import type { Mark } from "../plan/marks";
import { useSite } from "../site";
import { useText } from "../text";
import { PriorityShape } from "./PriorityMark";

interface Props {
  readonly mark: Mark;
  readonly isOpen: boolean;
  readonly href: string | null | undefined;
  readonly onOpen: ((id: string) => void) | undefined;
}

/** Hazards at one place, as the mark of the most urgent; opens their incident. */
export function PlanMark({ mark, isOpen, href, onOpen }: Props) {
  const { t } = useText();
  const { zoneName } = useSite();
  const [x, y] = mark.at;
  const kinds = mark.kinds.map((kind) => t(`kind.${kind}`)).join(", ");
  const known = mark.isLastKnown ? ` (${t("hazard.last_known")})` : "";
  const words = `${mark.priority} ${kinds}${known}: ${zoneName(mark.zone)}`;
  const names = `plan-mark mark ${mark.priority.toLowerCase()}${isOpen ? " is-current" : ""}${mark.isLastKnown ? " is-last-known" : ""}`;
  const drawing = (
    <>
      <title>{words}</title>
      <circle r="19" className="plan-mark-ring" />
      <g transform="translate(-13 -14) scale(1.1)">
        <PriorityShape priority={mark.priority} />
      </g>
      {mark.kinds.length > 1 && (
        <g transform="translate(11 -11)">
          <circle r="7.5" className="plan-badge" />
          <text y="3.5" textAnchor="middle" className="plan-badge-text">
            {mark.kinds.length}
          </text>
        </g>
      )}
    </>
  );
  const place = `translate(${x} ${y})`;
  const { incident } = mark;
  if (incident === null || !href || !onOpen) {
    return (
      <g className={names} transform={place}>
        {drawing}
      </g>
    );
  }
  return (
    <g transform={place}>
      <a
        href={href}
        aria-label={words}
        className={names}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onOpen(incident);
        }}
      >
        {drawing}
      </a>
    </g>
  );
}
