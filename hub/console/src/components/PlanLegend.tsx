import type { Priority } from "../api/types";
import { useText } from "../text";
import { PriorityMark } from "./PriorityMark";

const LEVELS = [0, 1, 2, 3, 4] as const;
const PRIORITIES: readonly Priority[] = ["P1", "P2", "P3", "P4"];

/** What the shades and marks of the plan mean. */
export function PlanLegend() {
  const { t } = useText();
  return (
    <div className="legend">
      <ul aria-label={t("legend.levels")}>
        {LEVELS.map((level) => (
          <li key={level}>
            <svg width="16" height="12" aria-hidden="true">
              <rect width="16" height="12" rx="2" className={`zone level-${level}`} />
            </svg>
            {t(`level.${level}`)}
          </li>
        ))}
        <li>
          <svg width="16" height="12" aria-hidden="true">
            <rect width="16" height="12" rx="2" className="zone is-blind" />
          </svg>
          {t("plan.blind")}
        </li>
        <li>
          <svg width="16" height="12" aria-hidden="true">
            <rect width="16" height="12" rx="2" className="zone is-uncounted" />
          </svg>
          {t("plan.uncounted")}
        </li>
      </ul>
      <ul aria-label={t("legend.priorities")}>
        {PRIORITIES.map((priority) => (
          <li key={priority}>
            <PriorityMark priority={priority} size={15} />
            {t(`priority.${priority}`)}
          </li>
        ))}
      </ul>
    </div>
  );
}
