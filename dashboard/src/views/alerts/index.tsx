/** Alerts that are open and those that were, and the channels they are told through. */
import { useState } from "react";
import { Link } from "wouter";
import { useAct } from "../../act/use-act";
import { alerts as endpoint } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { Alert, Channel } from "../../api/types";
import { count } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { useLiveQuery } from "../../live/query";
import { agentPath, taskPath } from "../../routes";
import { Badge } from "../../ui/badge";
import { Empty, Fault, Loading } from "../../ui/empty";
import type { Look } from "../../ui/looks";
import { Panel } from "../../ui/panel";
import { Since, When } from "../../ui/when";
import "./alerts.css";

const SEVERITY: Readonly<Record<string, Look>> = {
  critical: { hue: "vermillion", shape: "square" },
  warning: { hue: "orange", shape: "triangle" },
  info: { hue: "sky", shape: "ring" },
};

function Subject({ name, when }: { name: string; when: string }) {
  const isAgent = useFleet((fleet) => fleet.agents.has(name));
  if (isAgent) return <Link href={agentPath(name)}>{name}</Link>;
  if (when.startsWith("task")) return <Link href={taskPath(name)}>{name}</Link>;
  return <span>{name}</span>;
}

function AlertLine({ alert }: { alert: Alert }) {
  const may = useMay("operate");
  const act = useAct();
  return (
    <li className="alert-line" data-alert={alert.state}>
      <Badge look={SEVERITY[alert.severity] ?? { hue: "grey", shape: "question" }}>
        {alert.severity}
      </Badge>
      <div className="grow">
        <p className="alert-title">{alert.title}</p>
        <p className="soft small">
          {alert.subjects.slice(0, 8).map((name, index) => (
            <span key={name}>
              {index ? ", " : ""}
              <Subject name={name} when={alert.when} />
            </span>
          ))}
          {alert.count > 8 ? ` and ${alert.count - 8} more` : ""} · rule <code>{alert.rule}</code>
          {alert.acknowledged_by ? ` · seen to by ${alert.acknowledged_by}` : ""}
        </p>
      </div>
      <span className="soft small nowrap">
        {alert.resolved_at ? (
          <>
            over <When iso={alert.resolved_at} as="ago" />
          </>
        ) : (
          <>
            for <Since iso={alert.since} />
          </>
        )}
      </span>
      {alert.state === "open" ? (
        <button
          type="button"
          className="button small"
          disabled={!may}
          onClick={() =>
            act("Acknowledged: it is told no more", "It was not acknowledged", () =>
              endpoint.acknowledge(alert.id),
            ).catch(() => undefined)
          }
        >
          Acknowledge
        </button>
      ) : null}
    </li>
  );
}

function ChannelRow({ channel }: { channel: Channel }) {
  const may = useMay("admin");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  return (
    <tr>
      <td>
        <strong>{channel.name}</strong>
      </td>
      <td>
        {channel.enabled ? (
          <Badge look={{ hue: "green", shape: "disc" }}>on</Badge>
        ) : (
          <Badge look={{ hue: "grey", shape: "slash" }}>off</Badge>
        )}
      </td>
      <td>{channel.min_severity} and worse</td>
      <td>
        <code className="small">{channel.address_from}</code>
      </td>
      <td className="num">{count(channel.sent)}</td>
      <td className="num">{count(channel.waiting)}</td>
      <td className="num" title={channel.last_error ?? undefined}>
        {count(channel.failed + channel.dropped)}
      </td>
      <td>
        <button
          type="button"
          className="button small"
          disabled={!may || busy}
          title={may ? undefined : "This needs an admin's token"}
          onClick={async () => {
            setBusy(true);
            await act(
              `${channel.name} took the test message`,
              `${channel.name} did not take it`,
              () => endpoint.test(channel.name),
            ).catch(() => undefined);
            setBusy(false);
          }}
        >
          {busy ? "Sending …" : "Send a test"}
        </button>
      </td>
    </tr>
  );
}

export default function AlertsView() {
  const found = useLiveQuery(["alerts"], endpoint.list, 3);
  if (!found.data)
    return found.error ? (
      <Fault error={found.error} retry={() => found.refetch()} />
    ) : (
      <Loading what="alerts" />
    );
  const open = found.data.items.filter((one) => one.state !== "resolved");
  const over = found.data.items.filter((one) => one.state === "resolved");
  return (
    <div className="stack">
      <div className="view-head">
        <h1>Alerts</h1>
      </div>
      <Panel title="Open" flush>
        {open.length === 0 ? (
          <Empty title="Nothing is wrong">Rules are in the plan, under monitoring.</Empty>
        ) : (
          <ul className="lines live">
            {open.map((alert) => (
              <AlertLine key={alert.id} alert={alert} />
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Channels" flush>
        {found.data.channels.length === 0 ? (
          <Empty title="The plan names no channel">
            Alerts are shown here only. Discord, Slack, e-mail and many others can be named under
            notifications.
          </Empty>
        ) : (
          <div className="scroll-x">
            <table className="table live">
              <thead>
                <tr>
                  <th>Channel</th>
                  <th>State</th>
                  <th>Takes</th>
                  <th>Address from</th>
                  <th className="num">Sent</th>
                  <th className="num">Waiting</th>
                  <th className="num">Failed</th>
                  <th>
                    <span className="unseen">Test</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.data.channels.map((channel) => (
                  <ChannelRow key={channel.name} channel={channel} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      {over.length ? (
        <Panel title="Over" flush>
          <ul className="lines live">
            {over.slice(0, 100).map((alert) => (
              <AlertLine key={alert.id} alert={alert} />
            ))}
          </ul>
        </Panel>
      ) : null}
    </div>
  );
}
