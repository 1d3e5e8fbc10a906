import type { Gateway } from "../api/types";
import { useText } from "../text";

interface Props {
  readonly gateways: readonly Gateway[];
  readonly chosen: string | null;
  readonly onChoose: (gateway: string) => void;
}

/** One tile for each gateway; a silent one is hatched, so that it is seen among many at a glance. */
export function GatewayGrid({ gateways, chosen, onChoose }: Props) {
  const { t, count } = useText();
  return (
    <ul className="gateway-grid">
      {gateways.map((gateway) => {
        const bad = gateway.devices.filter(({ state }) => state === "down" || state === "degraded").length;
        return (
          <li key={gateway.gateway}>
            <button
              type="button"
              aria-pressed={chosen === gateway.gateway}
              className={`tile is-${gateway.presence}`}
              onClick={() => onChoose(gateway.gateway)}
            >
              <b>{gateway.gateway}</b>
              <span>{t(`presence.${gateway.presence}`)}</span>
              <span className="fine">
                {bad > 0 ? count("equipment.bad", bad) : count("equipment.devices", gateway.devices.length)}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
