import { QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { Redirect, Route, Router, Switch } from "wouter";
import type { Session } from "./api/types";
import { Trouble } from "./components/Trouble";
import { Waiting } from "./components/Waiting";
import { createQueryClient } from "./data/query-client";
import { useSession } from "./data/session";
import { useSites } from "./data/sites";
import { NoSitePage } from "./pages/NoSite.page";
import { PasswordPage } from "./pages/Password.page";
import { SignInPage } from "./pages/SignIn.page";
import { SitePages } from "./pages/Site.page";
import { PreferencesProvider, usePreferences } from "./preferences";

/** The console. */
export function App() {
  const [client] = useState(createQueryClient);
  return (
    <PreferencesProvider>
      <QueryClientProvider client={client}>
        <Router>
          <Door />
        </Router>
      </QueryClientProvider>
    </PreferencesProvider>
  );
}

/** Nobody sees anything before they are signed in with a password of their own. */
function Door() {
  const session = useSession();
  if (session.isPending) return <Waiting />;
  if (session.isError) return <Trouble error={session.error} onRetry={() => void session.refetch()} />;
  if (session.data === null) return <SignInPage />;
  if (session.data.must_change_password) return <PasswordPage session={session.data} />;
  return <Rooms session={session.data} />;
}

function Rooms({ session }: { readonly session: Session }) {
  const sites = useSites();
  const { preferences } = usePreferences();
  if (sites.isPending) return <Waiting />;
  if (sites.isError) return <Trouble error={sites.error} onRetry={() => void sites.refetch()} />;
  const home = sites.data.find(({ site }) => site === preferences.site) ?? sites.data[0];
  if (home === undefined) return <NoSitePage onRetry={() => void sites.refetch()} />;
  return (
    <Switch>
      <Route path="/sites/:site" nest>
        {({ site }) =>
          sites.data.some((known) => known.site === site) ? (
            <SitePages key={site} site={site} sites={sites.data} session={session} />
          ) : (
            <Redirect to={`~/sites/${home.site}`} replace />
          )
        }
      </Route>
      <Route>
        <Redirect to={`/sites/${home.site}${window.location.search}`} replace />
      </Route>
    </Switch>
  );
}
