/** A filled bar: how much of a limit is in use. */
import "./badge.css";

export function Meter({
  value,
  max,
  label,
  tone,
}: {
  value: number;
  max: number;
  label: string;
  tone?: "blue" | "green";
}) {
  const part = max <= 0 ? (value > 0 ? 1 : 0) : Math.min(1, value / max);
  const state = value > max ? "over" : max > 0 && value === max ? "full" : "";
  return (
    <div
      className={`meter ${tone ?? state}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={value}
      aria-valuetext={`${value} of ${max}`}
    >
      <i style={{ width: `${part * 100}%` }} />
    </div>
  );
}
