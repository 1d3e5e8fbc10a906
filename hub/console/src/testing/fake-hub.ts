import { vi } from "vitest";

/** What a hub answers, by method and address; a function sees the request's body. */
export type Answers = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly method: string;
  readonly address: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A refusal, for use among the answers. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly problem: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** Stand in for the hub at the browser's `fetch`: the last door before the network. Returns what was asked, in order. */
export function fakeHub(answers: Answers): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    const method = init.method ?? "GET";
    const body: unknown = init.body ? JSON.parse(String(init.body)) : null;
    asked.push({ method, address, headers: new Headers(init.headers), body });
    const [path] = address.split("?");
    const answer = answers[`${method} ${address}`] ?? answers[`${method} ${path}`];
    return respond(answer === undefined ? new Refusal(404, "not_found") : answer);
  });
  return asked;
}

function respond(answer: unknown): Response {
  if (answer instanceof Refusal) {
    const problem = {
      type: `urn:gatehouse:problem:${answer.problem}`,
      title: "",
      status: answer.status,
      detail: "Do this",
    };
    const headers = { "Content-Type": "application/problem+json", ...answer.headers };
    return new Response(JSON.stringify(problem), { status: answer.status, headers });
  }
  return new Response(JSON.stringify(answer), { headers: { "Content-Type": "application/json" } });
}
