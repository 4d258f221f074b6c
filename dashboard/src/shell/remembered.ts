/** Small choices of the viewer, kept in this browser; a browser that keeps nothing still works. */
import { useCallback, useState } from "react";

export function recall<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`fleetbus.${key}`);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`fleetbus.${key}`, JSON.stringify(value));
  } catch {
    // Private browsing, or full: the choice holds until the page is closed.
  }
}

export function useRemembered<T>(key: string, fallback: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => recall(key, fallback));
  const set = useCallback(
    (next: T) => {
      setValue(next);
      remember(key, next);
    },
    [key],
  );
  return [value, set];
}
