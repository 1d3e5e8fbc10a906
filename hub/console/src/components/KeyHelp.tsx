import { useEffect, useRef } from "react";
import { type TextKey, useText } from "../text";

const KEYS: readonly (readonly [string, TextKey])[] = [
  ["j ↓", "keys.next"],
  ["k ↑", "keys.previous"],
  ["Enter", "keys.open"],
  ["a", "keys.acknowledge"],
  ["s", "acts.at_site"],
  ["r", "keys.resolve"],
  ["n", "keys.new"],
  ["Esc", "close"],
  ["1", "nav.now"],
  ["2", "nav.equipment"],
  ["3", "nav.settings"],
  ["?", "keys.title"],
];

/** Every key and what it does. */
export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    <dialog ref={dialog} className="key-help" aria-label={t("keys.title")} onClose={onClose}>
      <h2>{t("keys.title")}</h2>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">{t("close")}</button>
      </form>
    </dialog>
  );
}
