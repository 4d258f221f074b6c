/** The zone that times are shown in: the plan's, in which its windows and days are meant. */
import { createContext, useContext } from "react";

export const ZoneContext = createContext("UTC");

export function useZone(): string {
  return useContext(ZoneContext);
}
