import type { Read, ReadPath } from "./types";

/** One query value, or several of the same name. */
type QueryValue = string | number | boolean | readonly string[] | undefined;

/** A refusal of the hub (RFC 9457), or `offline` when it did not answer at all. */
export class ProblemError extends Error {
  constructor(
    readonly problem: string,
    readonly status: number,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(`${problem}: ${detail}`);
    this.name = "ProblemError";
  }

  /** Whether the same request may work later without anybody doing anything. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

const PROBLEM_PREFIX = "urn:gatehouse:problem:";
let csrf = "";

/** Remember what proves that a changing request comes from this page. */
export function rememberCsrf(token: string): void {
  csrf = token;
}

/** `/api/v1/sites/{site}` and its parameters as an address. */
export function fillPath(
  path: string,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === "object" ? value : [value]) search.append(name, String(one));
  }
  return search.size > 0 ? `${filled}?${search}` : filled;
}

/** Read an address of the API. */
export async function read<P extends ReadPath>(
  path: P,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, QueryValue>> = {},
): Promise<Read<P>> {
  const response = await ask(fillPath(path, params, query), { method: "GET" });
  return (await response.json()) as Read<P>;
}

/** Send a change; the answer is `Answer`, or nothing where the hub answers 204. */
export async function send<Answer>(
  method: "POST" | "DELETE",
  address: string,
  body?: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (csrf !== "") headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await ask(address, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

async function ask(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...init });
  } catch (error) {
    throw new ProblemError("offline", 0, String(error));
  }
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** The problem in a refusal; a proxy's own page, which is no problem document, counts as `internal`. */
export async function readProblem(response: Response): Promise<ProblemError> {
  const retryAfter = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null;
  if (!response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    return new ProblemError("internal", response.status, response.statusText, retryAfterS);
  }
  const body = (await response.json()) as { readonly type?: string; readonly detail?: string };
  const problem = body.type?.startsWith(PROBLEM_PREFIX) ? body.type.slice(PROBLEM_PREFIX.length) : "internal";
  return new ProblemError(problem, response.status, body.detail ?? "", retryAfterS);
}
