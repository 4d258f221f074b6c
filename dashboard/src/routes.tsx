/** Every view: where it is, how it is called, and the key that goes there. Each is a file of its own to load. */
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { KEY_OF } from "./keyboard/places";
import type { IconName } from "./ui/icon";

export interface Place {
  path: string;
  name: string;
  /** Pressed after `g`. */
  key: string;
  icon: IconName;
  view: LazyExoticComponent<ComponentType>;
  /** On a phone, whether it is in the bar at the bottom rather than behind "More". */
  first?: boolean;
}

export const PLACES: readonly Place[] = [
  {
    path: "/",
    name: "Now",
    key: KEY_OF.now,
    icon: "now",
    view: lazy(() => import("./views/now")),
    first: true,
  },
  {
    path: "/fleet",
    name: "Fleet",
    key: KEY_OF.fleet,
    icon: "fleet",
    view: lazy(() => import("./views/fleet")),
    first: true,
  },
  {
    path: "/tasks",
    name: "Tasks",
    key: KEY_OF.tasks,
    icon: "tasks",
    view: lazy(() => import("./views/tasks")),
    first: true,
  },
  {
    path: "/timeline",
    name: "Timeline",
    key: KEY_OF.timeline,
    icon: "timeline",
    view: lazy(() => import("./views/timeline")),
  },
  {
    path: "/plan",
    name: "Plan",
    key: KEY_OF.plan,
    icon: "plan",
    view: lazy(() => import("./views/plan")),
  },
  {
    path: "/limits",
    name: "Limits & caps",
    key: KEY_OF.limits,
    icon: "limits",
    view: lazy(() => import("./views/limits")),
  },
  {
    path: "/reliability",
    name: "Reliability",
    key: KEY_OF.reliability,
    icon: "reliability",
    view: lazy(() => import("./views/reliability")),
  },
  {
    path: "/events",
    name: "Events",
    key: KEY_OF.events,
    icon: "events",
    view: lazy(() => import("./views/events")),
  },
  {
    path: "/alerts",
    name: "Alerts",
    key: KEY_OF.alerts,
    icon: "alerts",
    view: lazy(() => import("./views/alerts")),
    first: true,
  },
];

export const AgentView = lazy(() => import("./views/agent"));
export const TaskView = lazy(() => import("./views/task"));
export const SignIn = lazy(() => import("./views/signin"));

export function agentPath(name: string): string {
  return `/agents/${encodeURIComponent(name)}`;
}

export function taskPath(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`;
}
