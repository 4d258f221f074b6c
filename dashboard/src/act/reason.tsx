/** Asks for a reason, and for how long where that matters, before an act that is felt; says what will be felt. */
import { type ReactNode, useId, useState } from "react";
import { Modal } from "../ui/modal";

export interface Asked {
  reason: string;
  /** Null is for ever. */
  forS: number | null;
}

const TIMES: ReadonlyArray<readonly [string, number | null]> = [
  ["10 minutes", 600],
  ["1 hour", 3_600],
  ["8 hours", 28_800],
  ["1 day", 86_400],
  ["until taken back", null],
];

export function ReasonDialog({
  title,
  children,
  confirm,
  danger = false,
  lasting = false,
  disabled = false,
  onConfirm,
  onClose,
}: {
  title: string;
  children?: ReactNode;
  confirm: string;
  danger?: boolean;
  lasting?: boolean;
  disabled?: boolean;
  /** Resolves when the act is done; a refusal is told by whoever acts. */
  onConfirm: (asked: Asked) => Promise<unknown>;
  onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const [forS, setForS] = useState<number | null>(3_600);
  const [busy, setBusy] = useState(false);
  const id = useId();
  return (
    <Modal title={title} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          setBusy(true);
          try {
            await onConfirm({ reason: reason.trim(), forS: lasting ? forS : null });
            onClose();
          } finally {
            setBusy(false);
          }
        }}
      >
        <div className="body stack">
          {children}
          <div className="field">
            <label htmlFor={id}>Reason, for whoever looks later</label>
            <input
              id={id}
              className="input"
              data-first
              required
              maxLength={1000}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              autoComplete="off"
            />
          </div>
          {lasting ? (
            <div className="field">
              <label htmlFor={`${id}t`}>For how long</label>
              <select
                id={`${id}t`}
                className="input"
                value={String(forS)}
                onChange={(event) =>
                  setForS(event.target.value === "null" ? null : Number(event.target.value))
                }
              >
                {TIMES.map(([name, seconds]) => (
                  <option key={name} value={String(seconds)}>
                    {name}
                  </option>
                ))}
              </select>
            </div>
          ) : null}
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Keep as it is
          </button>
          <button
            type="submit"
            className={`button ${danger ? "danger" : "primary"}`}
            disabled={busy || disabled || reason.trim() === ""}
          >
            {busy ? "Asking …" : confirm}
          </button>
        </footer>
      </form>
    </Modal>
  );
}
