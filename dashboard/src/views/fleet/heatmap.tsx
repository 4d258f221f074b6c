/**
 * Thousands of agents at a glance: a canvas of cells by machine, where colour is health and shape is state.
 *
 * Only cells that changed are painted again. Everything it shows can be read in the table.
 */
import { useEffect, useMemo, useRef, useState } from "react";
import type { Agent } from "../../api/types";
import { plain } from "../../format/words";
import { onTheme } from "../../shell/theme";
import { AgentBadge, HealthBadge } from "../../ui/badge";
import { indexOf, lay } from "./cells";
import { Legend } from "./legend";
import { type Paint, paintCell, paintOf, signOf } from "./paint";

export function Heatmap({
  agents,
  chosen,
  onChoose,
  onOpen,
  onTable,
}: {
  agents: readonly Agent[];
  chosen: ReadonlySet<string>;
  onChoose: (name: string) => void;
  onOpen: (name: string) => void;
  onTable: () => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  const [hover, setHover] = useState<{ name: string; x: number; y: number } | null>(null);
  useEffect(() => onTheme(() => setTheme((now) => now + 1)), []);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry?.contentRect.width ?? 0)),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Agents come sorted by machine and name, so who is where changes only when one comes or goes.
  const order = agents.map((agent) => agent.name).join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the order stands for the agents
  const layout = useMemo(() => {
    const groups = new Map<string, string[]>();
    for (const agent of agents) {
      const machine = agent.machine_id ?? "no machine told";
      const members = groups.get(machine);
      if (members) members.push(agent.name);
      else groups.set(machine, [agent.name]);
    }
    return lay([...groups], width);
  }, [order, width]);
  const find = useMemo(() => indexOf(layout), [layout]);
  const byName = useMemo(() => new Map(agents.map((agent) => [agent.name, agent])), [agents]);
  const painted = useRef<{ layout: unknown; theme: number; signs: Map<string, string> } | null>(
    null,
  );

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || width === 0) return;
    const scale = Math.min(2, window.devicePixelRatio || 1);
    const paint: Paint = paintOf(scale);
    const fresh = painted.current?.layout !== layout || painted.current.theme !== theme;
    if (fresh) {
      element.width = width * scale;
      element.height = layout.height * scale;
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.fillStyle = paint.soft;
      context.font = paint.font;
      context.textBaseline = "top";
      for (const label of layout.labels)
        context.fillText(label.text, label.x, label.y, label.width);
      painted.current = { layout, theme, signs: new Map() };
    }
    const signs = painted.current?.signs ?? new Map<string, string>();
    for (const cell of layout.cells) {
      const agent = byName.get(cell.name);
      if (!agent) continue;
      const sign = signOf(agent, chosen.has(cell.name));
      if (signs.get(cell.name) === sign) continue;
      signs.set(cell.name, sign);
      paintCell(context, cell.x, cell.y, layout.size, agent, chosen.has(cell.name), paint);
    }
  }, [layout, byName, chosen, width, theme]);

  const under = (event: React.MouseEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    return box ? find(event.clientX - box.left, event.clientY - box.top) : null;
  };
  const shown = hover ? byName.get(hover.name) : undefined;
  return (
    <section className="panel heat" aria-label="Heatmap of the fleet">
      <header>
        <Legend />
        <button type="button" className="button plain small" onClick={onTable}>
          Read it as a table
        </button>
      </header>
      <div className="body" ref={frame}>
        <canvas
          ref={canvas}
          className="live"
          style={{ width, height: layout.height }}
          role="img"
          aria-label={`${agents.length} agents by machine; the table shows the same in words`}
          onMouseMove={(event) => {
            const cell = under(event);
            if (cell?.name !== hover?.name)
              setHover(cell ? { name: cell.name, x: cell.x, y: cell.y } : null);
          }}
          onMouseLeave={() => setHover(null)}
          onClick={(event) => {
            const cell = under(event);
            if (!cell) return;
            if (event.shiftKey || event.ctrlKey || event.metaKey) onChoose(cell.name);
            else onOpen(cell.name);
          }}
        />
        {hover && shown ? (
          <div
            className="heat-tip"
            style={{ left: Math.min(hover.x + 16, width - 230), top: hover.y + layout.size + 22 }}
          >
            <strong>{shown.name}</strong>
            <span className="soft small">{shown.machine_id}</span>
            <span className="row wrap">
              <AgentBadge status={shown.status} suspect={shown.suspect} />{" "}
              <HealthBadge health={shown.health} />
            </span>
            {shown.current_mode ? <span className="small">{plain(shown.current_mode)}</span> : null}
            {shown.reasons[0] ? <span className="small soft">{shown.reasons[0]}</span> : null}
          </div>
        ) : null}
      </div>
      <p className="small faint heat-hint">
        A click opens an agent; with Shift or Ctrl it selects it.
      </p>
    </section>
  );
}
