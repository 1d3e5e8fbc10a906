import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LineState, openLive, retryAfterMs, type Source } from "./live";
import type { LiveChange } from "./types";

class HandSource implements Source {
  onerror: ((event: Event) => void) | null = null;
  isClosed = false;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void) {
    this.listeners.set(name, listener);
  }
  close() {
    this.isClosed = true;
  }
  say(name: string, data: object) {
    this.listeners.get(name)?.(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
  fail() {
    this.onerror?.(new Event("error"));
  }
}

const HELLO = { site: "riverside", at: "2026-05-04T12:00:00.000Z", heartbeat_s: 15 };
const START = Date.parse("2026-05-04T11:59:50.000Z");

function listen() {
  const sources: HandSource[] = [];
  const lines: LineState[] = [];
  const changes: LiveChange[] = [];
  const heard = { hellos: 0, skewMs: 0, signedOut: 0 };
  const end = openLive(
    "riverside",
    {
      onHello: () => {
        heard.hellos += 1;
      },
      onChange: (change) => changes.push(change),
      onLine: (line) => lines.push(line),
      onClock: (skewMs) => {
        heard.skewMs = skewMs;
      },
      onSignedOut: () => {
        heard.signedOut += 1;
      },
    },
    () => {
      const source = new HandSource();
      sources.push(source);
      return source;
    },
  );
  const last = () => {
    const source = sources.at(-1);
    if (source === undefined) throw new Error("nothing was opened");
    return source;
  };
  return { sources, lines, changes, heard, end, last };
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the live line", () => {
  it("is live from the hub's hello on, and learns the hub's clock from it", () => {
    const { lines, heard, last } = listen();
    last().say("hello", HELLO);
    expect(lines.map(({ state }) => state)).toEqual(["connecting", "live"]);
    expect(heard).toMatchObject({ hellos: 1, skewMs: 10_000 });
  });

  it("passes on what changed", () => {
    const { changes, last } = listen();
    last().say("hello", HELLO);
    last().say("incident", { kind: "incident", site: "riverside", id: "a" });
    expect(changes).toMatchObject([{ kind: "incident", id: "a" }]);
  });

  it("is lost at once when it errs, and says since when through all tries", () => {
    const { lines, last, sources } = listen();
    last().say("hello", HELLO);
    vi.advanceTimersByTime(5_000);
    last().fail();
    vi.advanceTimersByTime(2_000);
    last().fail();
    expect(lines.slice(2)).toEqual([
      { state: "lost", since: START + 5_000 },
      { state: "lost", since: START + 5_000 },
    ]);
    expect(sources).toHaveLength(2);
    expect(sources[0]?.isClosed).toBe(true);
  });

  it("is lost when it is silent for twice its heartbeat, and not before", () => {
    const { lines, last } = listen();
    last().say("hello", HELLO);
    vi.advanceTimersByTime(29_000);
    last().say("heartbeat", { at: HELLO.at });
    vi.advanceTimersByTime(29_999);
    expect(lines.at(-1)?.state).toBe("live");
    vi.advanceTimersByTime(1);
    expect(lines.at(-1)?.state).toBe("lost");
  });

  it("has everything fetched anew when it comes back", () => {
    const { heard, last } = listen();
    last().say("hello", HELLO);
    last().fail();
    vi.advanceTimersByTime(2_000);
    last().say("hello", HELLO);
    expect(heard.hellos).toBe(2);
  });

  it("says that the session has ended", () => {
    const { heard, last } = listen();
    last().say("bye", { reason: "signed_out" });
    expect(heard.signedOut).toBe(1);
  });

  it("opens nothing more once it was ended", () => {
    const { end, last, sources } = listen();
    last().fail();
    end();
    vi.advanceTimersByTime(120_000);
    expect(sources).toHaveLength(1);
  });
});

it("tries again later each time, but never later than half a minute and a tenth", () => {
  expect([0, 1, 2, 3].map((tries) => retryAfterMs(tries, 0.5))).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(retryAfterMs(1_000, 1)).toBe(33_000);
});
