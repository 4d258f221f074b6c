/** Every view: where it is, how it is called, and the key that goes there. Each is a file of its own to load. */
import { KEY_OF } from "./keyboard/places";
import { type Later, later } from "./later";
import type { IconName } from "./ui/icon";

export interface Place {
  path: string;
  name: string;
  /** Pressed after `g`. */
  key: string;
  icon: IconName;
  view: Later<object>;
  /** On a phone, whether it is in the bar at the bottom rather than behind "More". */
  first?: boolean;
}

export const PLACES: readonly Place[] = [
  {
    path: "/",
    name: "Now",
    key: KEY_OF.now,
    icon: "now",
    view: later(() => import("./views/now")),
    first: true,
  },
  {
    path: "/fleet",
    name: "Fleet",
    key: KEY_OF.fleet,
    icon: "fleet",
    view: later(() => import("./views/fleet")),
    first: true,
  },
  {
    path: "/tasks",
    name: "Tasks",
    key: KEY_OF.tasks,
    icon: "tasks",
    view: later(() => import("./views/tasks")),
    first: true,
  },
  {
    path: "/timeline",
    name: "Timeline",
    key: KEY_OF.timeline,
    icon: "timeline",
    view: later(() => import("./views/timeline")),
  },
  {
    path: "/plan",
    name: "Plan",
    key: KEY_OF.plan,
    icon: "plan",
    view: later(() => import("./views/plan")),
  },
  {
    path: "/limits",
    name: "Limits & caps",
    key: KEY_OF.limits,
    icon: "limits",
    view: later(() => import("./views/limits")),
  },
  {
    path: "/reliability",
    name: "Reliability",
    key: KEY_OF.reliability,
    icon: "reliability",
    view: later(() => import("./views/reliability")),
  },
  {
    path: "/events",
    name: "Events",
    key: KEY_OF.events,
    icon: "events",
    view: later(() => import("./views/events")),
  },
  {
    path: "/alerts",
    name: "Alerts",
    key: KEY_OF.alerts,
    icon: "alerts",
    view: later(() => import("./views/alerts")),
    first: true,
  },
];

export const AgentView = later(() => import("./views/agent"));
export const TaskView = later(() => import("./views/task"));
export const SignIn = later(() => import("./views/signin"));

export const Palette = later(() => import("./palette/palette"));
export const CreateTask = later(() => import("./act/create-task"));
export const RegisterAgent = later(() => import("./act/register-agent"));

/** Load the other views one after the other while nothing else is to be done, so that each opens at once. */
export async function loadTheRest(): Promise<void> {
  const views = PLACES.map((place) => place.view);
  for (const part of [...views, TaskView, AgentView, Palette, CreateTask, RegisterAgent]) {
    await new Promise<void>((idle) => {
      if ("requestIdleCallback" in window) window.requestIdleCallback(() => idle());
      else setTimeout(idle, 200);
    });
    await part.load();
  }
}

export function agentPath(name: string): string {
  return `/agents/${encodeURIComponent(name)}`;
}

export function taskPath(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`;
}
