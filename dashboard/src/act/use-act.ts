/** Carries out an act: says what it did or why not, and lets every view look again. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useSay } from "../ui/toasts";

export type Act = <T>(
  done: string | ((answer: T) => string),
  failed: string,
  ask: () => Promise<T>,
) => Promise<T>;

export function useAct(): Act {
  const say = useSay();
  const cache = useQueryClient();
  return useCallback(
    async (done, failed, ask) => {
      try {
        const answer = await ask();
        say.done(typeof done === "string" ? done : done(answer));
        void cache.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
        return answer;
      } catch (error) {
        say.failed(failed, error);
        throw error;
      }
    },
    [say, cache],
  );
}
