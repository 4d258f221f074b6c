/** Signed in or not; then one live store, one cache, and the shell around the views. */
import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { onSignedOut } from "./api/client";
import { session as endpoint } from "./api/endpoints";
import { Problem } from "./api/problem";
import { SessionContext } from "./api/session";
import type { Session } from "./api/types";
import { LiveContext } from "./live/hooks";
import { LiveStore } from "./live/stream";
import { loadTheRest, SignIn } from "./routes";
import { Shell } from "./shell/shell";
import { Fault, Loading } from "./ui/empty";
import { Toasts } from "./ui/toasts";

/** What was opened first is shown before anything else is loaded. */
const REST_AFTER_MS = 1_000;

function isWorthRepeating(failures: number, error: Error): boolean {
  const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
  return !refused && failures < 2;
}

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: isWorthRepeating, staleTime: 2_000, refetchOnWindowFocus: true },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Toasts>
        <Gate />
      </Toasts>
    </QueryClientProvider>
  );
}

function Gate() {
  const cache = useQueryClient();
  const who = useQuery<Session | null>({
    queryKey: ["session"],
    queryFn: async () => {
      try {
        return await endpoint.show();
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: true,
    retryDelay: 2_000,
  });
  useEffect(() => onSignedOut(() => cache.setQueryData(["session"], null)), [cache]);
  if (who.isPending && who.failureCount > 0) return <Fault error={who.failureReason} />;
  if (who.isPending) return <Loading what="the control room" />;
  if (!who.data) {
    return (
      <Suspense fallback={<Loading what="the sign-in page" />}>
        <SignIn />
      </Suspense>
    );
  }
  return (
    <SessionContext.Provider value={who.data}>
      <Live>
        <Shell />
      </Live>
    </SessionContext.Provider>
  );
}

function Live({ children }: { children: React.ReactNode }) {
  const [store] = useState(() => new LiveStore());
  useEffect(() => {
    store.start();
    const later = window.setTimeout(() => void loadTheRest(), REST_AFTER_MS);
    return () => {
      window.clearTimeout(later);
      store.stop();
    };
  }, [store]);
  return <LiveContext.Provider value={store}>{children}</LiveContext.Provider>;
}
