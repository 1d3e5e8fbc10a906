import { afterEach, describe, expect, it, vi } from "vitest";
import { fakeHub, Refusal } from "../testing/fake-hub";
import { fillPath, ProblemError, read, rememberCsrf, send } from "./client";

afterEach(() => {
  vi.unstubAllGlobals();
  rememberCsrf("");
});

describe("an address", () => {
  it("has its parameters encoded and leaves out what is not asked", () => {
    const address = fillPath(
      "/sites/{site}/x",
      { site: "a/b" },
      { state: ["open", "acknowledged"], before: undefined },
    );
    expect(address).toBe("/sites/a%2Fb/x?state=open&state=acknowledged");
  });
});

describe("the client", () => {
  it("proves every change with the session's token, and sends none before there is one", async () => {
    const asked = fakeHub({ "POST /a": {}, "DELETE /b": {} });
    await send("POST", "/a", { x: 1 });
    rememberCsrf("token-1");
    await send("DELETE", "/b");
    expect(asked.map(({ headers }) => headers.get("X-CSRF-Token"))).toEqual([null, "token-1"]);
    expect(asked[0]?.body).toEqual({ x: 1 });
  });

  it("turns a refusal into its name", async () => {
    fakeHub({ "GET /api/v1/sites": new Refusal(429, "too_many_tries", { "Retry-After": "30" }) });
    await expect(read("/api/v1/sites")).rejects.toMatchObject({
      problem: "too_many_tries",
      status: 429,
      detail: "Do this",
      retryAfterS: 30,
    });
  });

  it("takes a proxy's page for a failure of the hub that may pass", async () => {
    vi.stubGlobal(
      "fetch",
      async () => new Response("<html>", { status: 502, headers: { "Content-Type": "text/html" } }),
    );
    const error = await read("/api/v1/sites").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ problem: "internal", mayPass: true });
  });

  it("says so when nothing answers", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("refused")));
    await expect(read("/api/v1/sites")).rejects.toMatchObject({ problem: "offline", mayPass: true });
  });
});
