/** A plan that is being changed: its text, what it says, what is wrong with it. The server is asked as one types. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { plan } from "../../api/endpoints";
import type { Json, PlanFault } from "../../api/types";
import { changed, type Step, write } from "./paths";

const TYPING_MS = 350;

export interface Draft {
  text: string;
  /** What the text says; null while it is no JSON. */
  document: Json | null;
  problems: readonly PlanFault[];
  isChecked: boolean;
  isChanged: boolean;
  setText: (text: string) => void;
  set: (path: readonly Step[], value: unknown) => void;
  discard: () => void;
}

export function useDraft(inForce: Json, version: number): Draft {
  const original = useMemo(() => write(inForce), [inForce]);
  const [text, setText] = useState(original);
  const [base, setBase] = useState(version);
  useEffect(() => {
    // Another version came into force: what is unchanged follows it, a draft stays what it is.
    if (base === version) return;
    setBase(version);
    setText(original);
  }, [version, base, original]);
  const [document, fault] = useMemo((): [Json | null, PlanFault | null] => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        return [value as Json, null];
      return [null, broken("a plan is an object in braces")];
    } catch (error) {
      return [null, broken(error instanceof Error ? error.message : String(error))];
    }
  }, [text]);
  const isChanged = text !== original;
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(text), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const check = useQuery({
    queryKey: ["plan-check", asked],
    queryFn: () => plan.check(JSON.parse(asked) as Json),
    enabled: document !== null && asked === text,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  const problems = useMemo(
    () => (fault ? [fault] : (check.data?.problems ?? [])),
    [fault, check.data],
  );
  const set = useCallback((path: readonly Step[], value: unknown) => {
    setText((now) => {
      try {
        return write(changed(JSON.parse(now), path, value));
      } catch {
        return now; // the form is off while the text is no JSON
      }
    });
  }, []);
  return {
    text,
    document,
    problems,
    isChecked: fault === null && asked === text && check.isSuccess,
    isChanged,
    setText,
    set,
    discard: () => setText(original),
  };
}

function broken(message: string): PlanFault {
  return { path: "", value: null, message, suggestion: null, severity: "error" };
}
