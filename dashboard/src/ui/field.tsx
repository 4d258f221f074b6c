/** A labelled control with its hint and, when the server or the form says so, its fault. */
import { cloneElement, type ReactElement, useId } from "react";
import "./field.css";

interface Control {
  id?: string;
  "aria-invalid"?: boolean;
  "aria-describedby"?: string;
}

export function Field({
  label,
  hint,
  fault,
  children,
}: {
  label: string;
  hint?: string;
  fault?: string | undefined;
  children: ReactElement<Control>;
}) {
  const id = useId();
  const said = fault ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, {
        id,
        ...(fault ? { "aria-invalid": true } : {}),
        ...(said ? { "aria-describedby": `${id}d` } : {}),
      })}
      {said ? (
        <span id={`${id}d`} className={fault ? "fault" : "hint"}>
          {said}
        </span>
      ) : null}
    </div>
  );
}
