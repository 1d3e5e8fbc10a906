import type { Gap } from "../api/types";
import { useText } from "../text";
import { Moment } from "./Moment";

/** Rows that will never come, and why. */
export function GapList({ gaps }: { readonly gaps: readonly Gap[] }) {
  const { t, count } = useText();
  return (
    <details className="gaps">
      <summary>{count("gaps", gaps.length)}</summary>
      <ul>
        {gaps.map((gap) => (
          <li key={`${gap.epoch} ${gap.lane} ${gap.from_seq} ${gap.to_seq}`}>
            <Moment at={gap.at} /> · {t(`lane.${gap.lane}`)} ·{" "}
            <span className="num" title={gap.epoch}>
              {gap.from_seq === gap.to_seq ? gap.from_seq : `${gap.from_seq}–${gap.to_seq}`}
            </span>{" "}
            · {t(`gap.${gap.reason}`)}
          </li>
        ))}
      </ul>
    </details>
  );
}
