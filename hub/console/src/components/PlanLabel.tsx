import type { Level } from "../api/types";
import type { Point } from "../plan/geometry";
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
      {label.leader && <Leader from={leave(label, label.leader)} to={label.leader} />}
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

function Leader({ from, to }: { readonly from: Point; readonly to: Point }) {
  return <line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} />;
}

/** Where a line from the label's middle to the zone leaves the label's box. */
function leave({ at: [x, y], box }: Label, [toX, toY]: Point): Point {
  const dx = toX - x;
  const dy = toY - y;
  const share = Math.min(dx === 0 ? 1 : box.w / 2 / Math.abs(dx), dy === 0 ? 1 : box.h / 2 / Math.abs(dy), 1);
  return [x + dx * share, y + dy * share];
}
