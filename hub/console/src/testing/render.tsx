import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { createQueryClient } from "../data/query-client";
import { PreferencesProvider } from "../preferences";
import { SiteProvider } from "../site";
import { OPERATOR, PLAN } from "./samples";

/** Draw something as it stands on a site's pages, in English; returns the addresses that were gone to. */
export function renderOnSite(what: ReactNode, path = "/"): readonly string[] {
  localStorage.setItem("gatehouse.preferences", JSON.stringify({ language: "en" }));
  const location = memoryLocation({ path, record: true });
  render(
    <PreferencesProvider>
      <QueryClientProvider client={createQueryClient()}>
        <Router hook={location.hook} searchHook={location.searchHook}>
          <SiteProvider plan={PLAN} session={OPERATOR}>
            {what}
          </SiteProvider>
        </Router>
      </QueryClientProvider>
    </PreferencesProvider>,
  );
  return location.history;
}
