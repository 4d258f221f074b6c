/** What stands where there is nothing, or not yet anything, or something went wrong. */
import type { ReactNode } from "react";
import { Problem } from "../api/problem";
import "./empty.css";

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children ? <div className="soft">{children}</div> : null}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="empty" role="status">
      <span className="pulse" aria-hidden="true" />
      <p className="soft">Loading {what} …</p>
    </div>
  );
}

export function Fault({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof Problem ? error : null;
  return (
    <div className="empty fault-box" role="alert">
      <p className="empty-title">{problem?.title ?? "That did not work"}</p>
      <p className="soft">{problem?.message ?? String(error)}</p>
      {retry ? (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      ) : null}
    </div>
  );
}
