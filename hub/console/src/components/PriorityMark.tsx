import type { Priority } from "../api/types";

/** The shapes of the four priorities in a box of 24 by 24: told apart without colour. */
const SHAPES: Readonly<Record<Priority, string>> = {
  P1: "M12 1.5 23 21.5H1Z",
  P2: "M3 3h18v18H3Z",
  P3: "M12 .8 23.2 12 12 23.2.8 12Z",
  P4: "M12 2a10 10 0 1 1 0 20 10 10 0 1 1 0-20Z",
};
const TEXT_Y: Readonly<Record<Priority, number>> = { P1: 18.5, P2: 16.4, P3: 16.3, P4: 16.3 };

interface Props {
  readonly priority: Priority;
  readonly size?: number;
  /** Set where nothing beside the mark says the priority. */
  readonly label?: string;
}

/** A priority as colour, shape and number. */
export function PriorityMark({ priority, size = 22, label }: Props) {
  const names = `mark ${priority.toLowerCase()}`;
  return label === undefined ? (
    <svg aria-hidden="true" className={names} width={size} height={size} viewBox="0 0 24 24">
      <PriorityShape priority={priority} />
    </svg>
  ) : (
    <svg role="img" aria-label={label} className={names} width={size} height={size} viewBox="0 0 24 24">
      <PriorityShape priority={priority} />
    </svg>
  );
}

/** The same, to be drawn within another drawing. */
export function PriorityShape({ priority }: { readonly priority: Priority }) {
  return (
    <>
      <path d={SHAPES[priority]} className="mark-shape" />
      <text x="12" y={TEXT_Y[priority]} textAnchor="middle" className="mark-text">
        {priority.slice(1)}
      </text>
    </>
  );
}
