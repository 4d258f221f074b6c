/** How components read the live fleet: by a selector, so that only what changed is drawn anew. */
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import type { Fleet } from "./fleet";
import type { Link } from "./link";
import type { LiveStore } from "./stream";

export const LiveContext = createContext<LiveStore | null>(null);

export function useStore(): LiveStore {
  const store = useContext(LiveContext);
  if (store === null) throw new Error("there is no live store around this component");
  return store;
}

/** Select from the fleet; drawn anew when the selection is another value. */
export function useFleet<T>(select: (fleet: Fleet) => T): T {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, () => select(store.fleet()));
}

export function useLink(): Link {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.link);
}

/** Ask the stream for more than it tells everybody, while the component is there. */
export function useDetail(view: string): void {
  const store = useStore();
  useEffect(() => store.want(view), [store, view]);
}

/** Call *act* whenever the selection changes, but not at first. */
export function useOnChange<T>(select: (fleet: Fleet) => T, act: (value: T) => void): void {
  const value = useFleet(select);
  const before = useRef(value);
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (before.current === value) return;
    before.current = value;
    latest.current(value);
  }, [value]);
}

let seconds = 0;
const ticking = new Set<() => void>();
let timer: number | undefined;

function subscribeToSeconds(listener: () => void): () => void {
  ticking.add(listener);
  timer ??= window.setInterval(() => {
    seconds += 1;
    for (const one of ticking) one();
  }, 1000);
  return () => {
    ticking.delete(listener);
    if (ticking.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

/** The server's time, drawn anew every second. */
export function useNow(): number {
  const store = useStore();
  useSyncExternalStore(subscribeToSeconds, () => seconds);
  return store.now();
}
