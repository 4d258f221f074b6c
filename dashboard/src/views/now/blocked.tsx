/** Why work waits: the reasons with their counts, the most common first. */
import { Link } from "wouter";
import { count } from "../../format/numbers";
import { reason } from "../../format/words";
import { Glyph } from "../../ui/glyph";
import { Panel } from "../../ui/panel";

const SHOWN = 5;
const ALARMS = new Set(["MISCONFIGURED", "NO_CAPABLE_AGENT"]);

export function Blocked({ counts }: { counts: Record<string, number> }) {
  const all = Object.entries(counts)
    .filter(([, many]) => many > 0)
    .sort((a, b) => b[1] - a[1]);
  const most = all[0]?.[1] ?? 1;
  const left = all.slice(SHOWN).reduce((sum, [, many]) => sum + many, 0);
  return (
    <Panel title="Why work waits" flush>
      {all.length === 0 ? (
        <p className="soft pad">Nothing is held back.</p>
      ) : (
        <ul className="lines live">
          {all.slice(0, SHOWN).map(([code, many]) => (
            <li key={code} className="reason-line">
              <Link href={`/tasks?status=pending&blocked_by=${code}`}>
                {ALARMS.has(code) ? (
                  <span className="alarm" title="This does not pass by waiting">
                    <Glyph shape="triangle" />
                  </span>
                ) : null}{" "}
                {reason(code)}
              </Link>
              <span className="reason-bar" aria-hidden="true">
                <i style={{ width: `${(100 * many) / most}%` }} />
              </span>
              <span className="num">{count(many)}</span>
              <code className="faint clip">{code}</code>
            </li>
          ))}
          {left > 0 ? (
            <li className="soft small pad">and {count(left)} for other reasons</li>
          ) : null}
        </ul>
      )}
    </Panel>
  );
}
