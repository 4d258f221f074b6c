/** The bar at the top: the fleet, how fresh everything is, how often it is taken, search, theme, viewer. */
import { useQueryClient } from "@tanstack/react-query";
import { useContext, useEffect, useRef, useState } from "react";
import { session as endpoint } from "../api/endpoints";
import { SessionContext, useMay } from "../api/session";
import { useFleet, useLink, useStore } from "../live/hooks";
import type { Link } from "../live/link";
import { Glyph, type Shape } from "../ui/glyph";
import { Icon } from "../ui/icon";
import "../ui/badge.css";
import { useShell } from "./context";
import { useRemembered } from "./remembered";
import { useTheme } from "./theme";

const INTERVALS: ReadonlyArray<readonly [string, number | null]> = [
  ["live", null],
  ["10 s", 10],
  ["30 s", 30],
  ["1 m", 60],
  ["5 m", 300],
];

function said(link: Link): { text: string; tone: string; shape: Shape } {
  switch (link.state) {
    case "connecting":
      return { text: "Connecting", tone: "grey", shape: "ring" };
    case "live":
      return { text: "Live", tone: "green", shape: "disc" };
    case "sampled":
      return { text: `${link.ageS} s old`, tone: "sky", shape: "clock" };
    case "behind":
      return { text: `${link.seconds} s behind`, tone: "orange", shape: "triangle" };
    case "disconnected":
      return { text: "Disconnected", tone: "vermillion", shape: "cross" };
  }
}

function Freshness() {
  const { text, tone, shape } = said(useLink());
  return (
    <output className={`freshness badge ${tone}`} aria-label={`How fresh this is: ${text}`}>
      <Glyph shape={shape} />
      <span>{text}</span>
    </output>
  );
}

function Interval() {
  const store = useStore();
  const cache = useQueryClient();
  const [every, setEvery] = useRemembered<number | null>("interval", null);
  useEffect(() => store.setInterval(every), [store, every]);
  return (
    <div className="interval" title="How often values are taken">
      <Icon name="refresh" size={15} />
      <select
        className="input"
        aria-label="Refresh interval"
        value={String(every)}
        onChange={(event) =>
          setEvery(event.target.value === "null" ? null : Number(event.target.value))
        }
      >
        {INTERVALS.map(([name, seconds]) => (
          <option key={name} value={String(seconds)}>
            {name}
          </option>
        ))}
      </select>
      {every === null ? null : (
        <button
          type="button"
          className="button square"
          aria-label="Refresh now"
          onClick={() => {
            store.refresh();
            void cache.invalidateQueries();
          }}
        >
          <Icon name="refresh" size={16} />
        </button>
      )}
    </div>
  );
}

function Viewer() {
  const who = useContext(SessionContext);
  const cache = useQueryClient();
  const [theme, nextTheme] = useTheme();
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      if (
        event instanceof KeyboardEvent
          ? event.key === "Escape"
          : !ref.current?.contains(event.target as Node)
      )
        setOpen(false);
    };
    window.addEventListener("pointerdown", close);
    window.addEventListener("keydown", close);
    return () => {
      window.removeEventListener("pointerdown", close);
      window.removeEventListener("keydown", close);
    };
  }, [open]);
  const icon = theme === "auto" ? "auto" : theme === "dark" ? "moon" : "sun";
  return (
    <div className="viewer" ref={ref}>
      <button
        type="button"
        className="button plain square"
        aria-label="You"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="person" />
      </button>
      {open ? (
        <div className="popover">
          <p>
            <strong>{who?.name}</strong>
            <br />
            <span className="soft small">
              may{" "}
              {who?.scope === "read"
                ? "look"
                : who?.scope === "operate"
                  ? "look and operate"
                  : "do everything"}
            </span>
          </p>
          <button type="button" className="button plain" onClick={nextTheme}>
            <Icon name={icon} size={16} /> Theme: {theme}
          </button>
          <button
            type="button"
            className="button plain"
            onClick={async () => {
              await endpoint.signOut().catch(() => undefined);
              cache.setQueryData(["session"], null);
              cache.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
            }}
          >
            <Icon name="close" size={16} /> Sign out
          </button>
        </div>
      ) : null}
    </div>
  );
}

export function Bar() {
  const shell = useShell();
  const fleet = useFleet((state) => state.summary?.fleet_name ?? "");
  const may = useMay("operate");
  return (
    <header className="topbar">
      <p className="fleet-name clip" title={fleet}>
        {fleet || "fleetbus"}
      </p>
      <Freshness />
      <Interval />
      <span className="grow" />
      <button type="button" className="button finder" onClick={() => shell.open("palette")}>
        <Icon name="search" size={16} />
        <span>Find or do …</span>
        <kbd>Ctrl K</kbd>
      </button>
      <button
        type="button"
        className="button primary create"
        disabled={!may}
        title={may ? "Create a task (c)" : "Your token may only look"}
        onClick={() => shell.open("create")}
      >
        <Icon name="plus" size={16} /> Task
      </button>
      <button
        type="button"
        className="button plain square helper"
        aria-label="Keyboard"
        title="Keyboard (?)"
        onClick={() => shell.open("help")}
      >
        <Icon name="help" />
      </button>
      <Viewer />
    </header>
  );
}
