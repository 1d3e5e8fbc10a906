import type { Incident } from "./api/types";

/** What is shown of the queue while new things may wait. `gone`: resolved or merged since the list was frozen. */
export interface Row {
  readonly incident: Incident;
  readonly isGone: boolean;
}

export interface Shown {
  readonly rows: readonly Row[];
  /** Not shown yet, the most urgent first. */
  readonly waiting: readonly Incident[];
}

/** By priority, then by the time left on the running clock, then the oldest first. */
export function inOrder(incidents: readonly Incident[]): readonly Incident[] {
  return [...incidents].sort(
    (a, b) =>
      a.priority.localeCompare(b.priority) ||
      due(a) - due(b) ||
      a.opened_at.localeCompare(b.opened_at) ||
      a.id.localeCompare(b.id),
  );
}

function due(incident: Incident): number {
  return incident.due_at === null ? Number.POSITIVE_INFINITY : Date.parse(incident.due_at);
}

/**
 * What to show after `latest` came. Held (pointer or focus in the list) nothing moves: rows keep their place and take only
 * their new content, what is gone stays greyed, what is new waits. Otherwise everything is shown in order.
 */
export function show(before: readonly Row[], latest: readonly Incident[], isHeld: boolean): Shown {
  const ordered = inOrder(latest);
  if (!isHeld || before.length === 0) {
    return { rows: ordered.map((incident) => ({ incident, isGone: false })), waiting: [] };
  }
  const rows = before.map(({ incident }) => {
    const found = latest.find(({ id }) => id === incident.id);
    return { incident: found ?? incident, isGone: found === undefined };
  });
  const shown = new Set(rows.map(({ incident }) => incident.id));
  return { rows, waiting: ordered.filter(({ id }) => !shown.has(id)) };
}

/** The row `step` places from the one named; the first or last where none is named or the end is reached. */
export function neighbour(rows: readonly Row[], id: string | null, step: 1 | -1): string | null {
  const at = rows.findIndex(({ incident }) => incident.id === id);
  const next =
    at < 0 ? (step === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  return rows[next]?.incident.id ?? null;
}
