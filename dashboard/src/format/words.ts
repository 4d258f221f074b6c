/** Words of the protocol as people read them, and what each reason code means. */

/** `medic_follow` → `medic follow`. */
export function plain(word: string): string {
  return word.replaceAll("_", " ").toLowerCase();
}

/** `AGENT_BUSY` → `Agent busy`. */
export function titled(word: string): string {
  const text = plain(word);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const REASONS: Readonly<Record<string, string>> = {
  DEACTIVATED: "The coordinator offers nothing now",
  PAUSED: "An operator paused it",
  MISCONFIGURED: "It asks for something the plan does not have",
  DEPENDENCY: "A task that it depends on is not done",
  NOT_BEFORE: "Its time has not come",
  EXPIRED: "Its deadline has passed",
  FLEET_PAUSED: "The whole fleet is paused",
  ERROR_BUDGET: "Too many errors today or this week",
  OUTSIDE_WINDOW: "Its schedule window is closed",
  CAP_REACHED: "It has started as often as its cap allows",
  GLOBAL_LIMIT: "As many agents work as may at once",
  MODE_LIMIT: "As many tasks of its mode run as may at once",
  KEY_LIMIT: "Something shared is in use",
  NO_CAPABLE_AGENT: "No agent can do it",
  AGENT_OFFLINE: "Capable agents are offline",
  CORDONED: "Capable agents are out of service",
  HEALTH_TOO_LOW: "Capable agents are not well enough",
  AVOID_HOURS: "Capable agents avoid these hours",
  IDLE_BLOCK: "Capable agents are in an idle block",
  RUNTIME_CAP: "Capable agents ran long enough today",
  FAILURE_COOLDOWN: "Capable agents failed too often lately",
  TASK_COOLDOWN: "Such a task was done just now",
  AGENT_BUSY: "Every capable agent is busy",
  BEHIND_OTHERS: "Everything is open; others are before it",
  PENDING_EVALUATION: "About to be looked at",
  PINNED_ELSEWHERE: "Meant for another agent",
  NOTHING_WAITS: "No task waits",
  NOTHING_FOR_IT: "None of the waiting tasks is for it now",
};

/** A reason code as a sentence; an unknown one stays readable. */
export function reason(code: string): string {
  return REASONS[code] ?? titled(code);
}

const GATES: Readonly<Record<string, string>> = {
  DEACTIVATED: "Coordinator",
  PAUSED: "Not paused",
  MISCONFIGURED: "Known to the plan",
  DEPENDENCY: "Tasks before it",
  NOT_BEFORE: "Its time",
  EXPIRED: "Deadline",
  FLEET_PAUSED: "Fleet at work",
  ERROR_BUDGET: "Error budget",
  OUTSIDE_WINDOW: "Window",
  CAP_REACHED: "Cap",
  GLOBAL_LIMIT: "Fleet limit",
  MODE_LIMIT: "Limit of its mode",
  KEY_LIMIT: "Shared things",
  NO_CAPABLE_AGENT: "Capable agents",
  AGENT_OFFLINE: "Online",
  CORDONED: "In service",
  HEALTH_TOO_LOW: "Health",
  AVOID_HOURS: "Hours",
  IDLE_BLOCK: "Idle blocks",
  RUNTIME_CAP: "Runtime of today",
  FAILURE_COOLDOWN: "Failure cooldown",
  TASK_COOLDOWN: "Task cooldown",
  AGENT_BUSY: "Free slot",
};

/** What a gate looks at, for one that is open. */
export function gate(code: string): string {
  return GATES[code] ?? titled(code);
}
