import type { PlanDevice, Sees } from "../api/types";
import type { Point } from "../plan/geometry";
import { useText } from "../text";

interface Props {
  readonly device: PlanDevice;
  readonly at: Point;
  readonly state: Sees;
}

/** A camera or sensor where it hangs: small, hollow when nothing is heard of it, struck when it ails, crossed when down. */
export function PlanDeviceGlyph({ device, at: [x, y], state }: Props) {
  const { t } = useText();
  const sees = device.kind === "camera" || device.kind === "thermal";
  return (
    <g className={`device is-${state}`} transform={`translate(${x} ${y})`} data-device={device.id}>
      <title>{`${device.id}\n${t(`device.${device.kind}`)}: ${t(`sees.${state}`)}`}</title>
      {sees ? <path d="M-5-3.5h6.5v2.2L5-3.2v6.4L1.5 1.3V3.5H-5Z" /> : <circle r="3.2" />}
      {state === "degraded" && <path d="M-6 6 6-6" className="device-cross" />}
      {state === "down" && <path d="M-6-6 6 6M6-6-6 6" className="device-cross" />}
    </g>
  );
}
