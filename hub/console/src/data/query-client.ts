import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ProblemError } from "../api/client";
import { SESSION_KEY } from "./session";

const REFETCH_MS = 60_000;
const RETRIES = 2;

/** One client for the page: answers are fetched anew when the hub says so, and once a minute in any case. */
export function createQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (!(error instanceof ProblemError)) return;
    if (error.status === 401) client.setQueryData(SESSION_KEY, null);
    if (error.problem === "password_change_required" || error.problem === "csrf") {
      void client.invalidateQueries({ queryKey: SESSION_KEY });
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({
      // A wrong password is a 401 too, but ends no session: there is none yet.
      onError: (error) => {
        if (!(error instanceof ProblemError && error.problem === "wrong_credentials")) onError(error);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        refetchInterval: REFETCH_MS,
        retry: (tries, error) => tries < RETRIES && error instanceof ProblemError && error.mayPass,
      },
    },
  });
  return client;
}
