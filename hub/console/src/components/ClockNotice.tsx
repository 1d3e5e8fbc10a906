import type { Gateway } from "../api/types";
import { useText } from "../text";
import { Age } from "./Moment";

/** From here on a clock is said to be wrong, as the hub raises it. */
export const OFFSET_BAD_MS = 5_000;

/** Says in a sentence that a gateway's clock is wrong, and what follows from it. */
export function ClockNotice({ gateway }: { readonly gateway: Gateway }) {
  const { t } = useText();
  const { offset_ms: offset, offset_at: at } = gateway;
  if (offset === null || Math.abs(offset) <= OFFSET_BAD_MS) return null;
  const seconds = Math.round(Math.abs(offset) / 1_000);
  return (
    <p className="caution">
      {t(offset > 0 ? "clock.ahead" : "clock.behind", { n: seconds })}{" "}
      {at !== null && (
        <span className="fine">
          {t("clock.measured")} <Age at={at} />
        </span>
      )}
    </p>
  );
}
