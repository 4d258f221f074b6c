/** Who is signed in, and what that allows: read is part of operate, which is part of admin. */
import { createContext, useContext } from "react";
import type { Scope, Session } from "./types";

const RANK: Readonly<Record<Scope, number>> = { read: 0, operate: 1, admin: 2 };

export const SessionContext = createContext<Session | null>(null);

/** Whether the viewer may do what needs *scope*. */
export function useMay(scope: Scope): boolean {
  const session = useContext(SessionContext);
  return session !== null && RANK[session.scope] >= RANK[scope];
}
