/**
 * A long list of tasks, loaded page by page as it is scrolled; the server sorts, filters and counts.
 *
 * Only the first page is loaded anew when the fleet changes. Further ones would shift under the
 * reader's eyes, so for those the list says that it has changed and lets the reader decide.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import { type TaskQuery, tasks } from "../../api/endpoints";
import type { Task } from "../../api/types";
import { useOnChange } from "../../live/hooks";

const PAGE = 200;
const AGAIN_MS = 1_000;

export interface Pages {
  rows: readonly Task[];
  total: number;
  isLoading: boolean;
  hasChanged: boolean;
  error: unknown;
  more: () => void;
  again: () => void;
}

interface Loaded {
  key: string;
  rows: readonly Task[];
  next: string | null;
  total: number;
}

export function useTaskPages(query: TaskQuery): Pages {
  const key = JSON.stringify(query);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(true);
  const [hasChanged, setChanged] = useState(false);
  const latest = useRef<Loaded | null>(null);
  latest.current = loaded?.key === key ? loaded : null;
  const wantsMore = useRef(false);
  const stop = useRef<AbortController | null>(null);

  const first = useCallback(async () => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    setLoading(true);
    try {
      const page = await tasks.list(JSON.parse(key) as TaskQuery, null, PAGE, own.signal);
      setLoaded({ key, rows: page.items, next: page.next_cursor, total: page.total });
      setError(null);
      setChanged(false);
    } catch (refusal) {
      if (!own.signal.aborted) setError(refusal);
    } finally {
      if (!own.signal.aborted) setLoading(false);
    }
  }, [key]);

  useEffect(() => {
    void first();
    return () => stop.current?.abort();
  }, [first]);

  const more = useCallback(async () => {
    const now = latest.current;
    if (now === null || now.next === null || wantsMore.current) return;
    wantsMore.current = true;
    try {
      const page = await tasks.list(JSON.parse(key) as TaskQuery, now.next, PAGE);
      const known = new Set(now.rows.map((row) => row.id));
      const rows = [...now.rows, ...page.items.filter((row) => !known.has(row.id))];
      setLoaded((was) =>
        was?.key === key ? { key, rows, next: page.next_cursor, total: page.total } : was,
      );
    } catch (refusal) {
      setError(refusal);
    } finally {
      wantsMore.current = false;
    }
  }, [key]);

  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useOnChange(
    (fleet) => fleet.summary?.tasks_by_status,
    () => {
      if ((latest.current?.rows.length ?? 0) > PAGE) setChanged(true);
      else {
        timer.current ??= window.setTimeout(() => {
          timer.current = undefined;
          void first();
        }, AGAIN_MS);
      }
    },
  );
  const here = latest.current;
  return {
    rows: here?.rows ?? [],
    total: here?.total ?? 0,
    isLoading: isLoading && here === null,
    hasChanged,
    error,
    more,
    again: first,
  };
}
