/** The letters after `g`, apart from the views so that the table can be looked at alone. */
export const KEY_OF = {
  now: "n",
  fleet: "a",
  tasks: "t",
  timeline: "l",
  plan: "p",
  limits: "m",
  reliability: "r",
  events: "e",
  alerts: "w",
} as const;

export const PLACE_KEYS: readonly string[] = Object.values(KEY_OF);
