/** Hours run per day by all agents together, drawn with uPlot; a table says the same. */
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Figures } from "../../api/types";
import { onTheme } from "../../shell/theme";

const HEIGHT = 200;

export function PerDay({ days, agents }: { days: readonly string[]; agents: readonly Figures[] }) {
  const place = useRef<HTMLDivElement>(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => onTheme(() => setTheme((now) => now + 1)), []);
  const hours = useMemo(
    () =>
      days.map(
        (_, index) => agents.reduce((sum, one) => sum + (one.ran_per_day_s[index] ?? 0), 0) / 3_600,
      ),
    [days, agents],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme stands for the colours that are read
  useEffect(() => {
    const element = place.current;
    if (element === null || days.length === 0) return;
    const style = getComputedStyle(document.documentElement);
    const token = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: token("--text-soft"),
      grid: { stroke: token("--line"), width: 1 },
      ticks: { stroke: token("--line"), width: 1 },
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: [-0.6, days.length - 0.4] },
          y: { range: (_chart, _low, high) => [0, Math.max(0.1, high * 1.1)] },
        },
        axes: [
          {
            ...axis,
            splits: days.map((_, index) => index),
            values: (_chart, splits) => splits.map((index) => (days[index] ?? "").slice(5)),
          },
          {
            ...axis,
            size: 48,
            values: (_chart, splits) => splits.map((value) => `${Math.round(value * 10) / 10} h`),
          },
        ],
        series: [
          {},
          {
            stroke: token("--sky"),
            fill: token("--sky"),
            ...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.6, 60] }) } : {}),
            points: { show: false },
          },
        ],
      },
      [days.map((_, index) => index), hours],
      element,
    );
    const observer = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [days, hours, theme]);
  return (
    <>
      <div ref={place} className="per-day live" aria-hidden="true" />
      <table className="unseen">
        <caption>Hours run per day</caption>
        <tbody>
          {days.map((day, index) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td>{(hours[index] ?? 0).toFixed(1)} h</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
