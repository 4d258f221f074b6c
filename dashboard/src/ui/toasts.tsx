/** Short words about what an act did, read out by screen readers, gone by themselves. */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
} from "react";
import { Problem } from "../api/problem";
import { Glyph } from "./glyph";
import { Icon } from "./icon";
import "./toasts.css";

interface Toast {
  id: number;
  tone: "done" | "failed";
  text: string;
  detail?: string | undefined;
}

export interface Say {
  done: (text: string, detail?: string) => void;
  failed: (text: string, error: unknown) => void;
}

const SayContext = createContext<Say>({ done: () => {}, failed: () => {} });

export function useSay(): Say {
  return useContext(SayContext);
}

const SHOWN_MS = { done: 5_000, failed: 12_000 };

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const drop = useCallback((id: number) => {
    setToasts((now) => now.filter((toast) => toast.id !== id));
  }, []);
  const say = useMemo<Say>(() => {
    const add = (tone: Toast["tone"], text: string, detail?: string) => {
      const id = next.current++;
      setToasts((now) => [...now.slice(-3), { id, tone, text, detail }]);
      window.setTimeout(() => drop(id), SHOWN_MS[tone]);
    };
    return {
      done: (text, detail) => add("done", text, detail),
      failed: (text, error) => {
        const detail =
          error instanceof Problem
            ? [
                error.message,
                ...error.errors.map((one) => `${one.path}: ${one.expected ?? ""}`),
              ].join("\n")
            : String(error);
        add("failed", text, detail);
      },
    };
  }, [drop]);
  return (
    <SayContext.Provider value={say}>
      {children}
      <section className="toasts" aria-live="polite" aria-label="What acts did">
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast ${toast.tone}`}>
            <Glyph shape={toast.tone === "done" ? "check" : "cross"} size={14} />
            <div className="grow">
              <p>{toast.text}</p>
              {toast.detail ? <p className="soft small toast-detail">{toast.detail}</p> : null}
            </div>
            <button
              type="button"
              className="button plain small square"
              aria-label="Dismiss"
              onClick={() => drop(toast.id)}
            >
              <Icon name="close" size={14} />
            </button>
          </div>
        ))}
      </section>
    </SayContext.Provider>
  );
}
