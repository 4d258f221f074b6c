/** Stops and starts the whole fleet's giving out of work. */
import { useState } from "react";
import { ReasonDialog } from "../../act/reason";
import { useAct } from "../../act/use-act";
import { fleet } from "../../api/endpoints";
import { useMay } from "../../api/session";
import { useLiveQuery } from "../../live/query";
import { Badge } from "../../ui/badge";

export function FleetSwitch() {
  const limits = useLiveQuery(["limits"], fleet.limits, 5);
  const may = useMay("operate");
  const act = useAct();
  const [open, setOpen] = useState(false);
  const pause = limits.data?.fleet_pause ?? null;
  return (
    <div className="row">
      {pause ? (
        <Badge look={{ hue: "purple", shape: "pause" }} title={`${pause.actor}: ${pause.reason}`}>
          Paused by {pause.actor}
        </Badge>
      ) : null}
      <button type="button" className="button" disabled={!may} onClick={() => setOpen(true)}>
        {pause ? "Resume the fleet" : "Pause the fleet"}
      </button>
      {open ? (
        <ReasonDialog
          title={pause ? "Resume the fleet" : "Pause the fleet"}
          confirm={pause ? "Resume" : "Pause"}
          lasting={!pause}
          onClose={() => setOpen(false)}
          onConfirm={({ reason, forS }) =>
            act(
              pause ? "The fleet is given work again" : "The fleet is paused",
              "The fleet stays as it was",
              () => fleet.act(pause ? "resume" : "pause", reason, forS),
            )
          }
        >
          <p className="soft">
            {pause
              ? `${pause.actor} paused it: ${pause.reason}`
              : "Nothing new starts anywhere. What runs goes on."}
          </p>
        </ReasonDialog>
      ) : null}
    </div>
  );
}
