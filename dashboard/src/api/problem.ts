/** What the server says when it refuses: problem+json, with the place of each fault. */

export interface FaultAt {
  path: string;
  value?: unknown;
  expected?: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly code: string,
    readonly errors: readonly FaultAt[],
    readonly retryAfterS: number | null,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** What is expected at *path*, where that is what is wrong. */
  at(path: string): string | undefined {
    const fault = this.errors.find((one) => one.path === path || one.path.endsWith(`.${path}`));
    return fault?.expected ?? (fault ? this.message : undefined);
  }
}

/** Read the refusal off a response; anything else than problem+json is told as it is. */
export async function problemOf(response: Response): Promise<Problem> {
  const retry = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(retry) && retry > 0 ? retry : null;
  let said: Record<string, unknown> = {};
  try {
    said = (await response.json()) as Record<string, unknown>;
  } catch {
    // Not JSON: a proxy on the way, or nothing at all.
  }
  return new Problem(
    response.status,
    typeof said.title === "string" ? said.title : `The server answered ${response.status}`,
    typeof said.detail === "string" ? said.detail : "It gave no reason.",
    typeof said.code === "string" ? said.code : "",
    Array.isArray(said.errors) ? (said.errors as FaultAt[]) : [],
    retryAfterS,
  );
}

/** The request never came through. */
export function unreachable(): Problem {
  return new Problem(
    0,
    "The server cannot be reached",
    "Nothing was changed as far as this page knows. It tries again by itself.",
    "unreachable",
    [],
    null,
  );
}
