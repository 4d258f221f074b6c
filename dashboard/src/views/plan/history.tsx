/** Every version of the plan, who applied it and why; any can be looked at and put in force again. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ReasonDialog } from "../../act/reason";
import { useAct } from "../../act/use-act";
import { plan } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { PlanCard } from "../../api/types";
import { Badge } from "../../ui/badge";
import { Fault, Loading } from "../../ui/empty";
import { Modal } from "../../ui/modal";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";
import { JsonEditor } from "./editor";
import { write } from "./paths";

export function History({ version }: { version: number }) {
  const history = useQuery({ queryKey: ["plan", "history", version], queryFn: plan.history });
  const [rollback, setRollback] = useState<PlanCard | null>(null);
  const [shown, setShown] = useState<number | null>(null);
  const may = useMay("admin");
  const act = useAct();
  if (!history.data)
    return history.error ? <Fault error={history.error} /> : <Loading what="the history" />;
  return (
    <Panel title="Versions" flush>
      <div className="scroll-x">
        <table className="table">
          <thead>
            <tr>
              <th className="num">Version</th>
              <th>Since</th>
              <th>By</th>
              <th>Comment</th>
              <th>
                <span className="unseen">Acts</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {history.data.items.map((card) => (
              <tr key={card.version}>
                <td className="num">v{card.version}</td>
                <td>
                  <When iso={card.at} />
                </td>
                <td>{card.author}</td>
                <td>
                  {card.rollback_of ? (
                    <span className="soft">back to v{card.rollback_of} </span>
                  ) : null}
                  {card.comment}
                </td>
                <td className="row end">
                  <button
                    type="button"
                    className="button small"
                    onClick={() => setShown(card.version)}
                  >
                    Look
                  </button>
                  {card.version === version ? (
                    <Badge look={{ hue: "green", shape: "disc" }}>in force</Badge>
                  ) : (
                    <button
                      type="button"
                      className="button small"
                      disabled={!may}
                      title={may ? undefined : "This needs an admin's token"}
                      onClick={() => setRollback(card)}
                    >
                      Roll back to it
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown === null ? null : <Stored version={shown} onClose={() => setShown(null)} />}
      {rollback ? (
        <ReasonDialog
          title={`Roll back to v${rollback.version}`}
          confirm="Roll back"
          danger
          onClose={() => setRollback(null)}
          onConfirm={({ reason }) =>
            act(
              (answer) => `Plan v${answer.version} is in force, as v${rollback.version} was`,
              "The plan stays as it is",
              () => plan.rollback(rollback.version, reason),
            )
          }
        >
          <p className="soft">
            A new version is made that says what v{rollback.version} said; v{version} stays in the
            history.
          </p>
        </ReasonDialog>
      ) : null}
    </Panel>
  );
}

function Stored({ version, onClose }: { version: number; onClose: () => void }) {
  const stored = useQuery({
    queryKey: ["plan", "version", version],
    queryFn: () => plan.version(version),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Modal title={`Plan v${version}`} onClose={onClose} className="wide">
      <div className="body stored">
        {stored.data ? (
          <JsonEditor
            text={write(stored.data.plan)}
            onChange={() => undefined}
            problems={NONE}
            readOnly
          />
        ) : stored.error ? (
          <Fault error={stored.error} />
        ) : (
          <Loading what="that version" />
        )}
      </div>
      <footer>
        <button type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </footer>
    </Modal>
  );
}

const NONE: never[] = [];
