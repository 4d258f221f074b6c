/**
 * The part of a long list that is here: pages by their number, as a value.
 *
 * The server counts and orders; what is not here yet is known to be there, so the scroll bar is
 * that of the whole list from the first moment.
 */
export const PAGE = 100;

export interface Held<T> {
  /** What the list was asked for. */
  key: string;
  total: number;
  pages: ReadonlyMap<number, readonly T[]>;
}

export function nothing<T>(): Held<T> {
  return { key: "", total: 0, pages: new Map() };
}

export function at<T>(held: Held<T>, index: number): T | undefined {
  return held.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
}

/** The pages that rows *first* to *last* are on, as far as there are so many. */
export function pagesOf(total: number, first: number, last: number): number[] {
  const found: number[] = [];
  const end = Math.floor(Math.max(0, Math.min(last, total - 1)) / PAGE);
  for (let page = Math.floor(Math.max(0, first) / PAGE); page <= end; page += 1) found.push(page);
  return found;
}

/** Add a page of the same list; of another list, begin anew with it. */
export function withPage<T>(
  held: Held<T>,
  key: string,
  page: number,
  items: readonly T[],
  total: number,
): Held<T> {
  const pages = held.key === key ? new Map(held.pages) : new Map<number, readonly T[]>();
  pages.set(page, items);
  return { key, total, pages };
}

/** What is left of it when only its top is looked at. */
export function topOf<T>(held: Held<T>): Held<T> {
  const top = held.pages.get(0);
  return top === undefined ? nothing() : { ...held, pages: new Map([[0, top]]) };
}

/** Every row that is here, in order. */
export function rowsHere<T>(held: Held<T>): T[] {
  return [...held.pages.keys()].sort((a, b) => a - b).flatMap((page) => held.pages.get(page) ?? []);
}
