/** What a view may ask of the shell around it. */
import { createContext, useContext } from "react";

export type Open = "palette" | "help" | "create" | "register";

export interface ShellActs {
  open: (what: Open) => void;
}

export const ShellContext = createContext<ShellActs>({ open: () => {} });

export function useShell(): ShellActs {
  return useContext(ShellContext);
}
