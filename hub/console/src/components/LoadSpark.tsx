import { BUSY, FLOOD, loadLevel } from "../load";
import { useText } from "../text";

const BAR = 5;
const GAP = 2;
const HIGH = 24;

interface Props {
  /** Incidents in spans of ten minutes, the oldest first. */
  readonly spans: readonly number[];
  readonly size?: number;
}

/** The load of the last two hours against the band, heights by square root: one is seen, and so is the line at ten. */
export function LoadSpark({ spans, size = 1 }: Props) {
  const { t, count } = useText();
  const last = spans.at(-1) ?? 0;
  const most = Math.max(FLOOD + 2, ...spans);
  const yOf = (n: number) => HIGH - Math.sqrt(n / most) * (HIGH - 2);
  const width = spans.length * (BAR + GAP) - GAP;
  const words = `${count("load.last", last)} · ${t(`load.${loadLevel(last)}`)}`;
  return (
    <figure className={`load is-${loadLevel(last)}`} title={`${words}\n${t("load.band")}`}>
      <svg
        role="img"
        aria-label={words}
        width={width * size}
        height={HIGH * size}
        viewBox={`0 0 ${width} ${HIGH}`}
      >
        <rect x="0" y={yOf(BUSY)} width={width} height={HIGH - yOf(BUSY)} className="load-band" />
        <line x1="0" x2={width} y1={yOf(FLOOD)} y2={yOf(FLOOD)} className="load-line" />
        {spans.map((n, i) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            key={i}
            x={i * (BAR + GAP)}
            y={n === 0 ? HIGH - 1 : yOf(n)}
            width={BAR}
            height={n === 0 ? 1 : HIGH - yOf(n)}
            className={`load-bar is-${loadLevel(n)}`}
          />
        ))}
      </svg>
      <figcaption>
        <b className="num">{last}</b> <span>{t("load.unit")}</span>
      </figcaption>
    </figure>
  );
}
