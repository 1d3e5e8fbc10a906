const WIDE = 60;

interface Props {
  readonly tenths: number;
  readonly label: string;
  /** Much is good (a share of the target), where otherwise much is bad (a disk). */
  readonly wantsFull?: boolean;
}

/** A share in tenths as a bar with its number; marked when it is on the bad end. */
export function Meter({ tenths, label, wantsFull = false }: Props) {
  const isBad = wantsFull ? tenths < 8 : tenths >= 9;
  return (
    <span className={isBad ? "meter is-bad" : "meter"}>
      <svg width={WIDE} height="8" role="img" aria-label={`${label}: ${tenths * 10} %`}>
        <rect width={WIDE} height="8" rx="2" className="meter-ground" />
        <rect width={(WIDE * Math.min(tenths, 10)) / 10} height="8" rx="2" className="meter-bar" />
      </svg>
      <span className="num">{tenths * 10} %</span>
    </span>
  );
}
