import { useText } from "../text";

interface Props {
  readonly storeys: readonly number[];
  readonly storey: number;
  readonly onChoose: (storey: number) => void;
}

/** One button for each storey that the plan has. */
export function StoreySwitch({ storeys, storey, onChoose }: Props) {
  const { t } = useText();
  return (
    <fieldset className="storeys">
      <legend className="unseen">{t("plan.storey")}</legend>
      {storeys.map((one) => (
        <button
          key={one}
          type="button"
          className="num"
          aria-pressed={one === storey}
          onClick={() => onChoose(one)}
        >
          {one}
        </button>
      ))}
    </fieldset>
  );
}
