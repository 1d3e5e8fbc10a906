import { useEffect } from "react";
import type { Incident } from "./api/types";
import { useSite } from "./site";
import { useText } from "./text";

/** The tab's title: how many incidents nobody has acknowledged, and the site. */
export function useTitle(incidents: readonly Incident[] | undefined): void {
  const { plan } = useSite();
  const text = useText();
  const open = incidents?.filter(({ state }) => state === "open").length ?? 0;
  const name = text.named(plan.name, plan.site);
  useEffect(() => {
    document.title = `${open > 0 ? `(${open}) ` : ""}${name} · Gatehouse`;
  }, [open, name]);
}
