/**
 * The timeline as a canvas: only the rows in sight are painted, at most once a frame.
 *
 * Dragging brushes a part to zoom to, the wheel with Ctrl zooms, the arrow keys move. Everything it
 * shows can be read in the table.
 */
import { useEffect, useMemo, useRef, useState } from "react";
import type { Bar, Shade } from "../../api/types";
import { clock, day, duration } from "../../format/time";
import { onTheme } from "../../shell/theme";
import { modeHues } from "../../ui/looks";
import type { Ghost } from "./ghosts";
import { HEAD, paint, ROW, SIDE } from "./paint";
import { moved, type Span, zoomed } from "./span";

interface Props {
  rows: readonly string[];
  bars: readonly Bar[];
  ghosts: readonly Ghost[];
  shades: readonly Shade[];
  span: Span;
  now: number;
  zone: string;
  onSpan: (span: Span) => void;
  /** Show so many times as much. */
  onZoom: (factor: number) => void;
  /** Rows *first* to *last* are looked at. */
  onSight: (first: number, last: number) => void;
  onOpen: (task: string) => void;
}

export interface Drawn extends Pick<Bar, "task" | "name" | "mode" | "agent" | "outcome"> {
  from: number;
  until: number | null;
}

export function Chart({
  rows,
  bars: told,
  ghosts,
  shades: hours,
  span,
  now,
  zone,
  onSpan,
  onZoom,
  onSight,
  onOpen,
}: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0);
  const [theme, setTheme] = useState(0);
  const [hover, setHover] = useState<{ bar: Drawn; x: number; y: number } | null>(null);
  const [brush, setBrush] = useState<{ from: number; to: number } | null>(null);
  useEffect(() => onTheme(() => setTheme((one) => one + 1)), []);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const bars = useMemo(() => {
    const by = new Map<string, Drawn[]>();
    for (const bar of told) {
      const drawn: Drawn = {
        ...bar,
        from: Date.parse(bar.started_at ?? bar.offered_at),
        until: bar.ended_at ? Date.parse(bar.ended_at) : null,
      };
      const row = by.get(bar.agent);
      if (row) row.push(drawn);
      else by.set(bar.agent, [drawn]);
    }
    for (const ghost of ghosts) {
      const row = by.get(ghost.agent);
      if (row) row.push(ghost);
      else by.set(ghost.agent, [ghost]);
    }
    return by;
  }, [told, ghosts]);
  const hues = useMemo(() => modeHues([...told, ...ghosts].map((bar) => bar.mode)), [told, ghosts]);
  const legend = [...hues].slice(0, 12);
  const shades = useMemo(
    () =>
      hours.map((one) => ({
        ...one,
        start: Date.parse(one.from),
        end: Date.parse(one.until),
      })),
    [hours],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme stands for the colours that are read
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (canvas.current && size.width)
        paint(canvas.current, {
          rows,
          bars,
          shades,
          hues,
          span,
          now,
          zone,
          top,
          ...size,
          brush,
        });
    });
    return () => cancelAnimationFrame(frame);
  }, [rows, bars, shades, hues, span, now, zone, top, size, theme, brush]);

  useEffect(() => {
    if (size.height) onSight(Math.floor(top / ROW), Math.ceil((top + size.height) / ROW));
  }, [top, size.height, onSight]);

  const width = Math.max(1, size.width - SIDE);
  const timeAt = (x: number) => span.from + ((x - SIDE) / width) * (span.until - span.from);
  const place = (event: React.MouseEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const under = (x: number, y: number): Drawn | null => {
    if (y < HEAD || x < SIDE) return null;
    const name = rows[Math.floor((y - HEAD + top) / ROW)];
    const at = timeAt(x);
    const slack = ((span.until - span.from) / width) * 2;
    return (
      (bars.get(name ?? "") ?? []).find(
        (bar) => at >= bar.from - slack && at <= (bar.until ?? now) + slack,
      ) ?? null
    );
  };
  return (
    <section className="panel timeline" aria-label="Timeline">
      <div
        ref={scroller}
        className="timeline-scroll"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys are those of the list of keys
        tabIndex={0}
        role="region"
        aria-label="Rows of agents; arrow keys move, plus and minus zoom"
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") onSpan(moved(span, -0.1));
          else if (event.key === "ArrowRight") onSpan(moved(span, 0.1));
          else if (event.key === "+" || event.key === "=") onZoom(0.7);
          else if (event.key === "-") onZoom(1.4);
          else return;
          event.preventDefault();
        }}
        onWheel={(event) => {
          if (event.ctrlKey || event.metaKey)
            onSpan(
              zoomed(
                span,
                event.deltaY > 0 ? 1.2 : 0.8,
                Math.max(0, place(event).x - SIDE) / width,
              ),
            );
          else if (event.shiftKey) onSpan(moved(span, event.deltaY > 0 ? 0.1 : -0.1));
        }}
      >
        <canvas
          ref={canvas}
          className="live"
          style={{ width: size.width, height: size.height }}
          role="img"
          aria-label={`${told.length} attempts of ${rows.length} agents; the table shows the same in words`}
          onMouseDown={(event) => {
            const { x, y } = place(event);
            if (x > SIDE && !under(x, y)) setBrush({ from: timeAt(x), to: timeAt(x) });
          }}
          onMouseMove={(event) => {
            const { x, y } = place(event);
            if (brush) setBrush({ ...brush, to: timeAt(x) });
            else {
              const bar = under(x, y);
              if (bar !== hover?.bar) setHover(bar ? { bar, x, y } : null);
            }
          }}
          onMouseUp={() => {
            if (brush && Math.abs(brush.to - brush.from) > (span.until - span.from) / 100)
              onSpan({
                from: Math.min(brush.from, brush.to),
                until: Math.max(brush.from, brush.to),
              });
            setBrush(null);
          }}
          onMouseLeave={() => {
            setHover(null);
            setBrush(null);
          }}
          onClick={(event) => {
            const { x, y } = place(event);
            const bar = under(x, y);
            if (bar) onOpen(bar.task);
          }}
        />
        <div style={{ height: Math.max(0, HEAD + rows.length * ROW - size.height) }} />
      </div>
      {hover ? (
        <div
          className="heat-tip"
          style={{
            left: Math.min(hover.x + 12, size.width - 250),
            top: Math.min(hover.y + 18, size.height - 110),
          }}
        >
          <strong>{hover.bar.name}</strong>
          <span className="small">
            {hover.bar.mode} on {hover.bar.agent} · {hover.bar.outcome}
          </span>
          <span className="small soft">
            {day(hover.bar.from, zone)} {clock(hover.bar.from, zone)},{" "}
            {duration(((hover.bar.until ?? now) - hover.bar.from) / 1000)}
          </span>
        </div>
      ) : null}
      <ul className="legend small timeline-legend">
        {legend.map(([mode, hue]) => (
          <li key={mode}>
            <i className={`swatch ${hue}`} /> {mode}
          </li>
        ))}
        <li>
          <i className="swatch failed-sign" /> failed
        </li>
        <li>
          <i className="swatch ghost-sign" /> forecast
        </li>
        <li>
          <i className="swatch shade-sign" /> avoided or idle hours
        </li>
      </ul>
    </section>
  );
}
