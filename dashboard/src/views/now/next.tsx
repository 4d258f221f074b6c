/** What the plan brings next: recurring tasks, and windows that open or close. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fleet as endpoint, plan } from "../../api/endpoints";
import { windowChanges } from "../../format/windows";
import { useNow } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { useZone } from "../../shell/zone";
import { Panel } from "../../ui/panel";
import { Countdown } from "../../ui/when";

const SHOWN = 5;

export function Next() {
  const zone = useZone();
  const minute = Math.floor(useNow() / 60_000) * 60_000;
  const inForce = useQuery({ queryKey: ["plan"], queryFn: plan.show, staleTime: 30_000 });
  const schedules = useLiveQuery(["schedules"], endpoint.schedules, 15);
  const document = inForce.data?.data.plan;
  const coming = useMemo(() => {
    const planned = (schedules.data ?? []).flatMap((one) =>
      one.next_at && !one.paused
        ? [{ at: Date.parse(one.next_at), text: `${one.name} is due` }]
        : [],
    );
    const windows = document ? windowChanges(document, zone, minute) : [];
    return [...planned, ...windows]
      .filter((one) => one.at > minute)
      .sort((a, b) => a.at - b.at)
      .slice(0, SHOWN);
  }, [schedules.data, document, zone, minute]);
  return (
    <Panel title="Next">
      {coming.length === 0 ? (
        <p className="soft">The plan brings nothing in the coming day.</p>
      ) : (
        <ul className="stack tight">
          {coming.map((one) => (
            <li key={`${one.text} ${one.at}`} className="row apart">
              <span className="clip">{one.text}</span>
              <span className="small soft">
                <Countdown iso={new Date(one.at).toISOString()} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
