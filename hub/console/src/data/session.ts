import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ProblemError, read, rememberCsrf, send } from "../api/client";
import type { Session } from "../api/types";

export const SESSION_KEY = ["session"] as const;

/** Who is signed in; null for nobody. */
export function useSession() {
  return useQuery({
    queryKey: SESSION_KEY,
    queryFn: readSession,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: false,
  });
}

/** Set while somebody is signed in here: without it nobody is asked who they are, which would only be refused. */
const HINT = "gatehouse.signed-in";

async function readSession(): Promise<Session | null> {
  if (localStorage.getItem(HINT) === null) return null;
  try {
    const session = await read("/api/v1/session");
    rememberCsrf(session.csrf);
    return session;
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 401)) throw error;
    localStorage.removeItem(HINT);
    return null;
  }
}

/** Sign in with name and password. */
export function useSignIn() {
  return useSessionChange((who: { name: string; password: string }) =>
    send<Session>("POST", "/api/v1/session", who),
  );
}

/** Change the password; the session goes on under a new token. */
export function useChangePassword() {
  return useSessionChange((words: { current: string; new: string }) =>
    send<Session>("POST", "/api/v1/session/password", words),
  );
}

function useSessionChange<Input>(change: (input: Input) => Promise<Session>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (session) => {
      rememberCsrf(session.csrf);
      localStorage.setItem(HINT, "1");
      client.setQueryData(SESSION_KEY, session);
    },
  });
}

/** Sign out and forget everything that was shown. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => send<void>("DELETE", "/api/v1/session"),
    onSettled: () => {
      rememberCsrf("");
      localStorage.removeItem(HINT);
      client.clear();
      client.setQueryData(SESSION_KEY, null);
    },
  });
}
