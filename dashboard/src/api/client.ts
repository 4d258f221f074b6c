/** One way to ask the server: JSON in, JSON out, a refusal is a {@link Problem}. */
import { Problem, problemOf, unreachable } from "./problem";

export const BASE = "/api/orchestrator";

type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

interface Ask {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  data: T;
  etag: string | null;
}

let signedOut: () => void = () => {};

/** Call *act* when the server says that nobody is signed in any more. */
export function onSignedOut(act: () => void): void {
  signedOut = act;
}

export function queryString(query: Query | undefined): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || value === "") continue;
    if (typeof value === "object") for (const one of value) parts.append(name, one);
    else parts.append(name, String(value));
  }
  const text = parts.toString();
  return text ? `?${text}` : "";
}

/** Ask, and return the answer with its ETag. */
export async function asked<T>(method: string, path: string, ask: Ask = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json", ...ask.headers };
  if (ask.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}${queryString(ask.query)}`, {
      method,
      headers,
      credentials: "same-origin",
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      ...(ask.signal ? { signal: ask.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401) signedOut();
    throw problem;
  }
  const etag = response.headers.get("ETag");
  if (response.status === 204) return { data: undefined as T, etag };
  return { data: (await response.json()) as T, etag };
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const ask: Ask = { ...(query ? { query } : {}), ...(signal ? { signal } : {}) };
  return (await asked<T>("GET", path, ask)).data;
}

export async function post<T>(
  path: string,
  body: unknown,
  headers?: Record<string, string>,
): Promise<T> {
  return (await asked<T>("POST", path, { body, ...(headers ? { headers } : {}) })).data;
}

/** Whether asking again later may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status === 503);
}
