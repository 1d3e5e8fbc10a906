import type { Level } from "../api/types";
import { FIGURE_PX, type Label, NAME_PX } from "../plan/labels";

interface Props {
  readonly label: Label;
  readonly level: Level | null;
  readonly isBlind: boolean;
}

/** A zone's name and figure where they found room. The tooltip is the zone's own. */
export function PlanLabel({ label, level, isBlind }: Props) {
  const [x, y] = label.at;
  const figureHigh = label.figure === "" ? 0 : 18;
  const top = y - (label.lines.length * 14 + figureHigh) / 2;
  const outside = label.leader !== null;
  const shade = outside || level === null ? "" : ` on-level-${level}`;
  return (
    <g className={`plan-label${shade}${outside ? " is-outside" : ""}`}>
      {label.leader && <line x1={x} y1={edge(label)} x2={label.leader[0]} y2={label.leader[1]} />}
      <g transform={label.turned ? `rotate(-90 ${x} ${y})` : undefined}>
        {label.lines.map((line, n) => (
          <text key={line} x={x} y={top + n * 14 + 11} fontSize={NAME_PX} textAnchor="middle">
            {line}
          </text>
        ))}
        {label.figure !== "" && (
          <text
            x={x}
            y={top + label.lines.length * 14 + 14}
            fontSize={isBlind ? NAME_PX : FIGURE_PX}
            textAnchor="middle"
            className="plan-figure num"
          >
            {label.figure}
          </text>
        )}
      </g>
    </g>
  );
}

/** The side of the label that faces the zone. */
function edge({ leader, at, box }: Label): number {
  if (leader === null || Math.abs(leader[1] - at[1]) < box.h / 2) return at[1];
  return leader[1] > at[1] ? box.y + box.h : box.y;
}
