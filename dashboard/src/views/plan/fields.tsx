/** The fields that the form of a plan is made of: each shows one place of the document, with what is wrong there. */
import { type ReactNode, useId, useState } from "react";
import type { Json, PlanFault } from "../../api/types";
import { lookUp, type Step } from "./paths";

export interface Part {
  document: Json;
  problems: readonly PlanFault[];
  set: (path: readonly Step[], value: unknown) => void;
  disabled: boolean;
}

function pathText(path: readonly Step[]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : index ? `.${step}` : step))
    .join("");
}

export function Line({
  part,
  path,
  label,
  children,
}: {
  part: Part;
  path: readonly Step[];
  label: string;
  children: (id: string, invalid: boolean) => ReactNode;
}) {
  const id = useId();
  const text = pathText(path);
  const fault = part.problems.find((problem) => problem.path === text);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, fault?.severity === "error")}
      {fault ? (
        <span className={fault.severity === "error" ? "fault" : "hint"}>{fault.message}</span>
      ) : null}
    </div>
  );
}

export function TextField({
  part,
  path,
  label,
  type = "text",
}: {
  part: Part;
  path: readonly Step[];
  label: string;
  /** A span is a number of seconds, or words such as 30m. */
  type?: "text" | "number" | "time" | "span";
}) {
  const value = lookUp(part.document, path);
  return (
    <Line part={part} path={path} label={label}>
      {(id, invalid) => (
        <input
          id={id}
          className="input"
          type={type === "span" ? "text" : type}
          step={type === "number" ? "any" : undefined}
          aria-invalid={invalid || undefined}
          disabled={part.disabled}
          value={value === undefined || value === null ? "" : String(value)}
          onChange={(event) => {
            const said = event.target.value;
            const isNumber = type === "number" || (type === "span" && /^\d+$/.test(said));
            part.set(path, said === "" ? undefined : isNumber ? Number(said) : said);
          }}
        />
      )}
    </Line>
  );
}

export function WordsField({
  part,
  path,
  label,
}: {
  part: Part;
  path: readonly Step[];
  label: string;
}) {
  const value = lookUp(part.document, path);
  const joined = Array.isArray(value) ? value.join(", ") : "";
  const [own, setOwn] = useState(joined);
  const parse = (text: string) => text.split(/[\s,]+/).filter(Boolean);
  const shown = parse(own).join() === parse(joined).join() ? own : joined;
  return (
    <Line part={part} path={path} label={label}>
      {(id, invalid) => (
        <input
          id={id}
          className="input"
          aria-invalid={invalid || undefined}
          disabled={part.disabled}
          value={shown}
          onChange={(event) => {
            setOwn(event.target.value);
            part.set(path, parse(event.target.value));
          }}
        />
      )}
    </Line>
  );
}

/** A text out of few; nothing chosen is what the plan does without it. */
export function PickField({
  part,
  path,
  label,
  options,
  otherwise,
}: {
  part: Part;
  path: readonly Step[];
  label: string;
  options: readonly string[];
  otherwise: string;
}) {
  return (
    <Line part={part} path={path} label={label}>
      {(id, invalid) => (
        <select
          id={id}
          className="input"
          aria-invalid={invalid || undefined}
          disabled={part.disabled}
          value={String(lookUp(part.document, path) ?? otherwise)}
          onChange={(event) => part.set(path, event.target.value)}
        >
          {options.map((one) => (
            <option key={one} value={one}>
              {one.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      )}
    </Line>
  );
}

export function CheckField({
  part,
  path,
  label,
  otherwise = false,
}: {
  part: Part;
  path: readonly Step[];
  label: string;
  otherwise?: boolean;
}) {
  return (
    <label className="row">
      <input
        type="checkbox"
        disabled={part.disabled}
        checked={(lookUp(part.document, path) ?? otherwise) === true}
        onChange={(event) => part.set(path, event.target.checked)}
      />
      {label}
    </label>
  );
}

export function Section({
  title,
  many,
  closed = many !== undefined,
  children,
}: {
  title: string;
  many?: number;
  closed?: boolean;
  children: ReactNode;
}) {
  return (
    <details className="form-section" open={!closed}>
      <summary>
        <h3>{title}</h3> {many === undefined ? null : <span className="faint num">{many}</span>}
      </summary>
      <div className="stack form-body">{children}</div>
    </details>
  );
}
