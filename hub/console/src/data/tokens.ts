import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { fillPath, read, send } from "../api/client";
import type { TokenNew, TokenSecret } from "../api/types";

const KEY = ["tokens"] as const;

/** Tokens that have not been revoked. */
export function useTokens() {
  return useQuery({ queryKey: KEY, queryFn: async () => (await read("/api/v1/tokens")).tokens });
}

/** Make a token; its secret comes this once. */
export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: TokenNew) => send<TokenSecret>("POST", "/api/v1/tokens", { ...token }),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
}

/** Revoke a token at once. */
export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send<void>("DELETE", fillPath("/api/v1/tokens/{token}", { token: id })),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
}
