/** Dark or light: as the system says, or as the viewer chose. */
import { useCallback, useState } from "react";
import { recall, remember } from "./remembered";

export type Theme = "auto" | "dark" | "light";

const prefersLight = () => window.matchMedia("(prefers-color-scheme: light)");
const changed = new EventTarget();

function show(theme: Theme): void {
  const light = theme === "light" || (theme === "auto" && prefersLight().matches);
  document.documentElement.dataset.theme = light ? "light" : "dark";
  changed.dispatchEvent(new Event("theme"));
}

export function startTheme(): void {
  show(recall<Theme>("theme", "auto"));
  prefersLight().addEventListener("change", () => show(recall<Theme>("theme", "auto")));
}

/** Draw anew what took its colours from the theme, such as a canvas. */
export function onTheme(act: () => void): () => void {
  changed.addEventListener("theme", act);
  return () => changed.removeEventListener("theme", act);
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => recall<Theme>("theme", "auto"));
  const next = useCallback(() => {
    setTheme((now) => {
      const after: Theme = now === "auto" ? "dark" : now === "dark" ? "light" : "auto";
      remember("theme", after);
      show(after);
      return after;
    });
  }, []);
  return [theme, next];
}
