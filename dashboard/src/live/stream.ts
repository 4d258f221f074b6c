/**
 * The one connection to the server's stream, and the store that views read from.
 *
 * Live, it holds the stream open. With a refresh interval it opens the stream, takes one snapshot,
 * closes it and waits: so both ways show the same facts, by the same code.
 */

import { type Fleet, fromSnapshot, UNKNOWN, withBeat, withDelta } from "./fleet";
import type { Beat, Delta, Snapshot } from "./frames";
import { type Heard, judge, type Link } from "./link";

const PATH = "/api/orchestrator/stream";
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;
const HUNG_MS = 12_000;

export const ALWAYS = ["summary", "agents", "tasks", "events", "alerts"] as const;

export class LiveStore {
  #fleet: Fleet = UNKNOWN;
  #heard: Heard = { atMs: null, broken: false, beat: null, everyS: null };
  #link: Link = { state: "connecting" };
  #listeners = new Set<() => void>();
  #wanted = new Map<string, number>();
  #source: EventSource | null = null;
  #timer: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  #running = false;
  #reopening = false;
  /** The server's clock minus the viewer's. */
  #skewMs = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  fleet = (): Fleet => this.#fleet;
  link = (): Link => this.#link;

  /** The time on the server's clock, by which every age is counted. */
  now = (): number => Date.now() + this.#skewMs;

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#open();
    this.#watch();
  }

  stop(): void {
    this.#running = false;
    this.#close();
    window.clearTimeout(this.#timer);
  }

  /** Take values live (null), or every so many seconds. */
  setInterval(everyS: number | null): void {
    if (this.#heard.everyS === everyS) return;
    this.#heard = { ...this.#heard, everyS };
    if (this.#running) this.#reopen();
    this.#judge();
  }

  /** Take a snapshot now, whatever the interval. */
  refresh(): void {
    if (this.#running) this.#reopen();
  }

  /** Ask for the detail of *view* until the returned function is called. */
  want(view: string): () => void {
    this.#wanted.set(view, (this.#wanted.get(view) ?? 0) + 1);
    if (this.#wanted.get(view) === 1) this.#reopenSoon();
    return () => {
      const left = (this.#wanted.get(view) ?? 1) - 1;
      if (left > 0) this.#wanted.set(view, left);
      else this.#wanted.delete(view);
      // The stream goes on telling more than is needed until it is opened for another reason.
    };
  }

  #reopenSoon(): void {
    if (this.#reopening || !this.#running) return;
    this.#reopening = true;
    queueMicrotask(() => {
      this.#reopening = false;
      if (this.#running) this.#reopen();
    });
  }

  #reopen(): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#close();
    window.clearTimeout(this.#timer);
    this.#open();
  }

  #close(): void {
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    const views = [...ALWAYS, ...this.#wanted.keys()].join(",");
    const source = new EventSource(`${PATH}?views=${encodeURIComponent(views)}`);
    this.#source = source;
    source.addEventListener("snapshot", (event) => {
      this.#onSnapshot(JSON.parse(event.data) as Snapshot);
    });
    source.addEventListener("delta", (event) => this.#onDelta(JSON.parse(event.data) as Delta));
    source.addEventListener("beat", (event) => this.#onBeat(JSON.parse(event.data) as Beat));
    source.addEventListener("error", () => this.#onError(source));
  }

  #onSnapshot(snapshot: Snapshot): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#note(snapshot.at);
    this.#set(fromSnapshot(this.#fleet, snapshot));
    if (this.#heard.everyS !== null && this.#fleet.beat !== null) this.#sleep();
  }

  #onDelta(delta: Delta): void {
    const applied = withDelta(this.#fleet, delta);
    if (applied.gap) {
      this.#reopen();
      return;
    }
    this.#note(delta.at);
    this.#set(applied.fleet);
  }

  #onBeat(beat: Beat): void {
    this.#note(beat.at);
    this.#heard = { ...this.#heard, beat };
    this.#set(withBeat(this.#fleet, beat));
    if (this.#heard.everyS !== null && this.#fleet.seq >= 0) this.#sleep();
  }

  /** Close the stream until the next snapshot is due. */
  #sleep(): void {
    this.#close();
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#open(), (this.#heard.everyS ?? 0) * 1000);
  }

  #onError(source: EventSource): void {
    if (source !== this.#source) return;
    this.#close();
    this.#heard = { ...this.#heard, broken: true };
    this.#judge();
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#open(), this.#retryMs);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  #note(at: string): void {
    this.#skewMs = Date.parse(at) - Date.now();
    this.#heard = { ...this.#heard, atMs: performance.now(), broken: false };
  }

  #set(fleet: Fleet): void {
    this.#fleet = fleet;
    this.#judge(true);
  }

  #judge(changed = false): void {
    const link = judge(this.#heard, performance.now());
    const same = JSON.stringify(link) === JSON.stringify(this.#link);
    if (!same) this.#link = link;
    if (changed || !same) for (const listener of this.#listeners) listener();
  }

  /** Notice silence: a connection that hangs tells nobody. */
  #watch(): void {
    if (!this.#running) return;
    this.#judge();
    const silent = this.#heard.atMs !== null && performance.now() - this.#heard.atMs > HUNG_MS;
    if (silent && this.#source !== null && this.#heard.everyS === null) {
      this.#heard = { ...this.#heard, broken: true };
      this.#onError(this.#source);
    }
    window.setTimeout(() => this.#watch(), 500);
  }
}
