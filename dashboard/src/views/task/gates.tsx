/** Gates with ✓ or ✗ and their numbers; the closed ones first, and open ones without numbers in one line. */
import { count } from "../../format/numbers";
import { gate as gateName, reason } from "../../format/words";
import { Glyph } from "../../ui/glyph";
import { Countdown } from "../../ui/when";
import type { Gate } from "./why-types";

function numbers(gate: Gate): string {
  if (gate.limit !== undefined && gate.limit !== null)
    return `${count(gate.use ?? 0)} of ${count(gate.limit)}`;
  if (gate.cap !== undefined && gate.cap !== null)
    return `${count(gate.used ?? 0)} of ${count(gate.cap)}${gate.reserved ? `, ${gate.reserved} reserved` : ""}`;
  if (gate.scope === "agents" && !gate.ok && gate.passed !== undefined)
    return `${count(gate.passed)} of ${count(gate.passed + (gate.failed ?? 0))} pass`;
  return (gate.windows ?? []).join(", ");
}

function Line({ gate }: { gate: Gate }) {
  const until = gate.until_ms ?? gate.resets_ms;
  const said = gate.ok ? "" : `${gate.text ?? ""}${gate.by ? `, by ${gate.by}` : ""}`;
  return (
    <li className={gate.ok ? "gate open" : "gate closed"}>
      <Glyph shape={gate.ok ? "check" : "cross"} size={12} />
      <span className="gate-name">
        <span className="unseen">{gate.ok ? "open:" : "closed:"}</span>
        {gate.ok ? gateName(gate.code) : reason(gate.code)}
      </span>
      <span className="num nowrap">{numbers(gate)}</span>
      {said || (until && (!gate.ok || gate.windows)) ? (
        <span className="gate-more soft small">
          {said}{" "}
          {until && (!gate.ok || gate.windows) ? (
            <span className="faint nowrap">
              {gate.ok ? "closes" : "over"} <Countdown iso={new Date(until).toISOString()} />
            </span>
          ) : null}
        </span>
      ) : null}
    </li>
  );
}

export function GateList({ gates }: { gates: readonly Gate[] }) {
  const closed = gates.filter((gate) => !gate.ok);
  const told = gates.filter((gate) => gate.ok && numbers(gate) !== "");
  const quiet = gates.filter((gate) => gate.ok && numbers(gate) === "");
  return (
    <ul className="gates">
      {[...closed, ...told].map((gate) => (
        <Line key={`${gate.code}${gate.scope}${gate.text}`} gate={gate} />
      ))}
      {quiet.length ? (
        <li className="gate open">
          <Glyph shape="check" size={12} />
          <span className="soft small">
            Open: {quiet.map((gate) => gateName(gate.code).toLowerCase()).join(", ")}
          </span>
        </li>
      ) : null}
    </ul>
  );
}
