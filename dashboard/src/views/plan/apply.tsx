/** Puts a changed plan in force, after showing what changes; a plan that somebody else changed meanwhile is not overwritten. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../act/use-act";
import { plan } from "../../api/endpoints";
import { Problem } from "../../api/problem";
import type { Json } from "../../api/types";
import { Fault, Loading } from "../../ui/empty";
import { Field } from "../../ui/field";
import { Modal } from "../../ui/modal";
import { Changes } from "./changes";

export function ApplyDialog({
  document,
  version,
  etag,
  onClose,
}: {
  document: Json;
  version: number;
  etag: string;
  onClose: () => void;
}) {
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const act = useAct();
  const diff = useQuery({
    queryKey: ["plan-diff", document],
    queryFn: () => plan.diff(document),
    gcTime: 0,
  });
  return (
    <Modal title={`Apply over v${version}`} onClose={onClose} className="wide">
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          setBusy(true);
          try {
            await act(
              (answer) => `Plan v${answer.data.version} is in force`,
              "The plan was not applied",
              () => plan.apply(document, etag, comment.trim()),
            );
            onClose();
          } catch (error) {
            setProblem(error instanceof Problem ? error : null);
            setBusy(false);
          }
        }}
      >
        <div className="body stack">
          {diff.data ? (
            <Changes diff={diff.data} />
          ) : diff.error ? (
            <Fault error={diff.error} />
          ) : (
            <Loading what="what changes" />
          )}
          <Field label="Comment, for the history">
            <input
              className="input"
              data-first
              value={comment}
              maxLength={1000}
              onChange={(event) => setComment(event.target.value)}
              autoComplete="off"
            />
          </Field>
          {problem ? (
            <p className="fault-line" role="alert">
              {problem.status === 412 || problem.status === 409
                ? "Somebody applied another plan meanwhile. Look at it, then apply yours again. "
                : ""}
              {problem.message}
            </p>
          ) : null}
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Keep v{version}
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {busy ? "Applying …" : "Apply"}
          </button>
        </footer>
      </form>
    </Modal>
  );
}
