/** A grid of agents and modes: the share that failed as a shade, and always the numbers in the cell. */
import { useMemo } from "react";
import { Link } from "wouter";
import type { Analytics } from "../../api/types";
import { plain } from "../../format/words";
import { agentPath } from "../../routes";

const SHOWN = 40;

export function FailureGrid({ cells }: { cells: Analytics["failures"] }) {
  const [agents, modes, byPlace] = useMemo(() => {
    const worst = new Map<string, number>();
    for (const cell of cells) worst.set(cell.agent, (worst.get(cell.agent) ?? 0) + cell.failed);
    return [
      [...worst].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name),
      [...new Set(cells.map((cell) => cell.mode))].sort(),
      new Map(cells.map((cell) => [`${cell.agent}\n${cell.mode}`, cell])),
    ];
  }, [cells]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Failures by agent and mode">
      <table className="failure-grid live">
        <thead>
          <tr>
            <th>Agent</th>
            {modes.map((mode) => (
              <th key={mode} className="small">
                {plain(mode)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {agents.slice(0, SHOWN).map((agent) => (
            <tr key={agent}>
              <th scope="row">
                <Link href={agentPath(agent)}>{agent}</Link>
              </th>
              {modes.map((mode) => {
                const cell = byPlace.get(`${agent}\n${mode}`);
                if (!cell)
                  return (
                    <td key={mode} className="faint">
                      ·
                    </td>
                  );
                const share = cell.runs ? cell.failed / cell.runs : 0;
                return (
                  <td
                    key={mode}
                    style={{
                      background: cell.failed
                        ? `color-mix(in srgb, var(--vermillion) ${Math.round(12 + 28 * share)}%, var(--surface))`
                        : "var(--green-wash)",
                    }}
                    title={`${agent}, ${plain(mode)}: ${cell.failed} of ${cell.runs} failed`}
                  >
                    <span className="num">{cell.failed}</span>
                    <span className="soft small"> / {cell.runs}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {agents.length > SHOWN ? (
        <p className="small faint">and {agents.length - SHOWN} agents with fewer failures</p>
      ) : null}
      <p className="small faint">Failed / ended. A redder cell failed more often.</p>
    </div>
  );
}
