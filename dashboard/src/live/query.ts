/** Questions whose answers age: asked again as often as the viewer chose to look. */
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { recall } from "../shell/remembered";

/** Ask *ask* now and every *everyS* seconds, or less often when the viewer's interval is longer. */
export function useLiveQuery<T>(
  key: readonly unknown[],
  ask: () => Promise<T>,
  everyS = 5,
  enabled = true,
): UseQueryResult<T> {
  return useQuery<T>({
    queryKey: key,
    queryFn: ask,
    enabled,
    refetchInterval: () => 1000 * Math.max(everyS, recall<number | null>("interval", null) ?? 0),
    placeholderData: (before) => before,
  });
}
