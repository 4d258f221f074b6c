/** The error budget: how much may still fail today and this week, and when it is counted anew. */
import { useState } from "react";
import { ReasonDialog } from "../../act/reason";
import { useAct } from "../../act/use-act";
import { fleet } from "../../api/endpoints";
import { useMay } from "../../api/session";
import { count } from "../../format/numbers";
import { useLiveQuery } from "../../live/query";
import { Meter } from "../../ui/meter";
import { Panel } from "../../ui/panel";
import { Countdown } from "../../ui/when";

const NAMES: Readonly<Record<string, string>> = {
  "errors:day": "Errors today",
  "errors:week": "Errors this week",
};

export function Budget() {
  const limits = useLiveQuery(["limits"], fleet.limits, 5);
  const may = useMay("operate");
  const act = useAct();
  const [open, setOpen] = useState(false);
  const found = (limits.data?.caps ?? []).filter(
    (cap) => cap.key in NAMES && (cap.max !== null || cap.used > 0),
  );
  if (found.length === 0) return null;
  const isSpent = found.some((cap) => cap.max !== null && cap.used >= cap.max);
  return (
    <Panel
      title="Error budget"
      aside={
        isSpent ? (
          <button
            type="button"
            className="button small"
            disabled={!may}
            onClick={() => setOpen(true)}
          >
            Reset the budget
          </button>
        ) : null
      }
    >
      <dl className="budget live">
        {found.map((cap) => (
          <div key={cap.key}>
            <dt>{NAMES[cap.key]}</dt>
            <dd>
              {cap.max === null ? null : (
                <Meter value={cap.used} max={cap.max} label={NAMES[cap.key] ?? cap.key} />
              )}
              <span className="num">
                {count(cap.used)}
                {cap.max === null ? ", no budget is set" : ` of ${count(cap.max)}`}
              </span>
              {cap.resets_at ? (
                <span className="soft small">
                  counted anew <Countdown iso={cap.resets_at} />
                </span>
              ) : null}
            </dd>
          </div>
        ))}
      </dl>
      {isSpent ? (
        <p className="bad-text small">
          It is spent: nothing but maintenance starts before it is counted anew.
        </p>
      ) : null}
      {open ? (
        <ReasonDialog
          title="Reset the error budget"
          confirm="Reset"
          danger
          onClose={() => setOpen(false)}
          onConfirm={({ reason }) =>
            act("Errors are counted anew", "The budget stays as it is", () =>
              fleet.act("reset_budget", reason, null),
            )
          }
        >
          <p className="soft">Mend the cause first: work starts again at once.</p>
        </ReasonDialog>
      ) : null}
    </Panel>
  );
}
