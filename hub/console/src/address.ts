import { useRouter } from "wouter";

/** Makes the address of an incident's own page, for links that can be copied and opened elsewhere. */
export function useHref(): (id: string) => string {
  const { base } = useRouter();
  return (id) => `${base}/incidents/${id}`;
}
