/** A small line of the last values with its threshold; the value in words stands beside it. */
import { useId } from "react";
import "./spark.css";

export function Spark({
  values,
  threshold,
  label,
}: {
  values: readonly (readonly [at: number, value: number])[];
  threshold?: number | undefined;
  label: string;
}) {
  const id = useId();
  const width = 220;
  const height = 40;
  if (values.length < 2)
    return <div className="spark-none" title="A line is drawn once there are more values" />;
  const first = values[0]?.[0] ?? 0;
  const last = values.at(-1)?.[0] ?? 1;
  const numbers = values.map(([, value]) => value);
  const low = Math.min(...numbers, threshold ?? Number.POSITIVE_INFINITY);
  const high = Math.max(...numbers, threshold ?? Number.NEGATIVE_INFINITY);
  const x = (at: number) => ((at - first) / Math.max(1, last - first)) * width;
  const y = (value: number) =>
    height - 3 - ((value - low) / Math.max(1e-9, high - low)) * (height - 6);
  const line = values.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    <svg
      className="spark live"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-labelledby={id}
    >
      <title id={id}>{label}</title>
      <polyline points={`0,${height} ${line} ${width},${height}`} className="spark-fill" />
      <polyline points={line} className="spark-line" />
      {threshold === undefined ? null : (
        <line x1={0} x2={width} y1={y(threshold)} y2={y(threshold)} className="spark-limit" />
      )}
    </svg>
  );
}
