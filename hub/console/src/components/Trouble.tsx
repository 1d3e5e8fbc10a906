import { ProblemError } from "../api/client";
import { useText, wordFor } from "../text";

interface Props {
  readonly error: Error;
  readonly onRetry?: () => void;
}

/** What went wrong and what to do, in the site's language. */
export function Trouble({ error, onRetry }: Props) {
  const text = useText();
  return (
    <div className="trouble" role="alert">
      <p>{troubleText(text, error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {text.t("retry")}
        </button>
      )}
    </div>
  );
}

/** A refusal in words; for one that this console does not know, the hub's own advice. */
export function troubleText(text: ReturnType<typeof useText>, error: Error): string {
  if (!(error instanceof ProblemError)) return text.t("problem.internal");
  if (error.retryAfterS !== null && error.status === 429) {
    return text.t("problem.wait", { n: error.retryAfterS });
  }
  const words = wordFor(text, "problem", error.problem);
  return words === error.problem.replaceAll("_", " ") ? error.detail : words;
}
