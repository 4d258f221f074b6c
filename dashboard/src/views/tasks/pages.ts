/**
 * A list of tasks of any length, of which what is looked at is loaded; the server sorts, filters and counts.
 *
 * At its top the list follows the fleet. Further down, rows would shift under the reader's eyes, so
 * there it says that it has changed and lets the reader decide. What was there stays until the
 * answer to a new question is here.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import { type TaskQuery, tasks } from "../../api/endpoints";
import type { Task } from "../../api/types";
import { useOnChange } from "../../live/hooks";
import { at, type Held, nothing, PAGE, pagesOf, rowsHere, topOf, withPage } from "./held";

const AGAIN_MS = 1_000;
/** What was shown last: whoever comes back sees it at once, and then what has changed. */
let left: Held<Task> = nothing();

export interface Pages {
  total: number;
  at: (index: number) => Task | undefined;
  /** Every row that is here. */
  here: () => Task[];
  /** Rows *first* to *last* are looked at. */
  need: (first: number, last: number) => void;
  /** Nothing was here yet. */
  isFirst: boolean;
  /** What is shown is the answer to the question before. */
  isBusy: boolean;
  hasChanged: boolean;
  error: unknown;
  again: () => void;
}

export function useTaskPages(query: TaskQuery): Pages {
  const key = JSON.stringify(query);
  const [held, setHeld] = useState<Held<Task>>(() => (left.key === key ? topOf(left) : nothing()));
  const [error, setError] = useState<unknown>(null);
  const [hasChanged, setChanged] = useState(false);
  const latest = useRef(held);
  const asked = useRef({ key, first: 0, last: 0 });
  const flight = useRef<AbortController | null>(null);

  const show = useCallback((next: Held<Task>) => {
    latest.current = left = next;
    setHeld(next);
    setError(null);
  }, []);

  /** Load what is missing of what is looked at, one page after the other, the newest wish first. */
  const load = useCallback(async () => {
    while (flight.current === null) {
      const { key: now, first, last } = asked.current;
      const known = latest.current;
      const wanted =
        known.key === now
          ? pagesOf(known.total, first, last).find((page) => !known.pages.has(page))
          : 0;
      if (wanted === undefined) return;
      const own = new AbortController();
      flight.current = own;
      try {
        const page = await listed(now, wanted, own.signal);
        if (asked.current.key === now)
          show(withPage(latest.current, now, wanted, page.items, page.total));
      } catch (refusal) {
        if (!own.signal.aborted) setError(refusal);
        return;
      } finally {
        if (flight.current === own) flight.current = null;
      }
    }
  }, [show]);

  /** Load what is looked at anew, and let go of the rest. */
  const again = useCallback(async () => {
    const { key: now, first, last } = asked.current;
    if (latest.current.key !== now) return;
    const wanted = pagesOf(Math.max(1, latest.current.total), first, last);
    try {
      const found = await Promise.all(wanted.map((page) => listed(now, page)));
      if (asked.current.key !== now) return;
      const pages = new Map(found.map((page, n) => [wanted[n] ?? 0, page.items]));
      show({ key: now, total: found[0]?.total ?? 0, pages });
      setChanged(false);
      void load();
    } catch (refusal) {
      setError(refusal);
    }
  }, [load, show]);

  useEffect(() => {
    flight.current?.abort();
    flight.current = null;
    asked.current = { key, first: 0, last: 0 };
    setChanged(false);
    void (latest.current.key === key ? again() : load());
  }, [key, load, again]);
  useEffect(() => () => flight.current?.abort(), []);

  const need = useCallback(
    (first: number, last: number) => {
      if (latest.current.key !== asked.current.key) return;
      asked.current = { ...asked.current, first, last };
      void load();
    },
    [load],
  );

  const timer = useRef<number | undefined>(undefined);
  const taken = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useOnChange(
    (fleet) => fleet.summary?.tasks_by_status,
    () => {
      if (asked.current.first >= PAGE) setChanged(true);
      else
        timer.current ??= window.setTimeout(
          () => {
            timer.current = undefined;
            taken.current = performance.now();
            void again();
          },
          Math.max(0, taken.current + AGAIN_MS - performance.now()),
        );
    },
  );
  return {
    total: held.total,
    at: (index) => at(held, index),
    here: () => rowsHere(held),
    need,
    isFirst: held.key === "",
    isBusy: held.key !== key,
    hasChanged,
    error,
    again,
  };
}

function listed(key: string, page: number, signal?: AbortSignal) {
  return tasks.list(JSON.parse(key) as TaskQuery, page * PAGE, PAGE, signal);
}
