import type { LiveBye, LiveChange, LiveHeartbeat, LiveHello } from "./types";

/** What the line to the hub is doing. `since`: when it was lost, by this machine's clock. */
export type LineState =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "lost"; readonly since: number };

export interface LiveListener {
  /** The line is there: everything shown is to be fetched anew. */
  readonly onHello: () => void;
  readonly onChange: (change: LiveChange) => void;
  readonly onLine: (line: LineState) => void;
  /** The hub's clock minus this machine's. */
  readonly onClock: (skewMs: number) => void;
  readonly onSignedOut: () => void;
}

/** The part of EventSource that is used, so that tests can hand in their own. */
export interface Source {
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
  onerror: ((event: Event) => void) | null;
}

const CHANGES = ["incident", "hazard", "occupancy", "gateway"] as const;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const HEARTBEAT_UNTIL_TOLD_S = 15;

/** How long to wait before the n-th try to come back, with a fifth of chance so that not all consoles come at once. */
export function retryAfterMs(tries: number, chance: number): number {
  const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 10));
  return Math.round(wait * (0.9 + 0.2 * chance));
}

/**
 * Listen to a site and keep listening. A line is lost when it errs, or when it is silent for twice its heartbeat; it is
 * then opened anew, later each time, for ever. Returns what ends it.
 */
export function openLive(
  site: string,
  listener: LiveListener,
  open: (address: string) => Source = (address) => new EventSource(address),
): () => void {
  let source: Source | null = null;
  let heartbeatMs = HEARTBEAT_UNTIL_TOLD_S * 1_000;
  let tries = 0;
  let lostSince: number | null = null;
  let ended = false;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const close = () => {
    clearTimeout(watchdog);
    clearTimeout(retry);
    source?.close();
    source = null;
  };
  const lose = () => {
    if (ended) return;
    close();
    lostSince ??= Date.now();
    listener.onLine({ state: "lost", since: lostSince });
    retry = setTimeout(connect, retryAfterMs(tries, Math.random()));
    tries += 1;
  };
  const heard = (at?: string) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(lose, 2 * heartbeatMs);
    if (at !== undefined) listener.onClock(Date.parse(at) - Date.now());
  };
  const connect = () => {
    const mine = open(`/api/v1/live?site=${encodeURIComponent(site)}`);
    source = mine;
    heard();
    mine.onerror = lose;
    mine.addEventListener("hello", (event) => {
      const hello = JSON.parse(event.data) as LiveHello;
      heartbeatMs = hello.heartbeat_s * 1_000;
      tries = 0;
      lostSince = null;
      heard(hello.at);
      listener.onLine({ state: "live" });
      listener.onHello();
    });
    mine.addEventListener("heartbeat", (event) => heard((JSON.parse(event.data) as LiveHeartbeat).at));
    mine.addEventListener("bye", (event) => {
      const bye = JSON.parse(event.data) as LiveBye;
      if (bye.reason === "signed_out") listener.onSignedOut();
      lose();
    });
    for (const name of CHANGES) {
      mine.addEventListener(name, (event) => {
        heard();
        listener.onChange(JSON.parse(event.data) as LiveChange);
      });
    }
  };

  listener.onLine({ state: "connecting" });
  connect();
  return () => {
    ended = true;
    close();
  };
}
