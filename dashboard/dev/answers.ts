/** Made-up answers to the longer questions: why, why idle, a story, a look ahead, a timeline. */
import type { Agent, Task } from "../src/api/types";

const gate = (code: string, ok: boolean, more: object = {}) => ({
  code,
  ok,
  scope: "fleet",
  ...more,
});

export function madeUpWhy(task: Task, now: number) {
  const head = {
    task: task.id,
    name: task.name,
    status: task.status,
    phase: task.phase,
    since_ms: Date.parse(task.created_at),
    as_of_ms: now,
  };
  if (task.status !== "pending")
    return { ...head, headline: { code: task.status.toUpperCase(), text: `it is ${task.status}` } };
  return {
    ...head,
    headline: {
      code: "MODE_LIMIT",
      text: "2 of 2 combat tasks run; 12 tasks are ahead of this one",
    },
    gates: [
      gate("NOT_BEFORE", true, { scope: "task" }),
      gate("FLEET_PAUSED", true),
      gate("OUTSIDE_WINDOW", true, { windows: ["peak_hours"], until_ms: now + 9_000_000 }),
      gate("CAP_REACHED", true, { used: 1, cap: 3, reserved: 0 }),
      gate("GLOBAL_LIMIT", true, { use: 3, limit: 4 }),
      gate("MODE_LIMIT", false, {
        use: 2,
        limit: 2,
        text: "2 of 2 combat tasks run",
        holders: [
          { task: "t-3", name: "Clear the cantina", agent: "Main", p50_left_s: 240 },
          { task: "t-8", name: "Clear the cantina 8", agent: "Farmer", p50_left_s: 900 },
        ],
      }),
      gate("NO_CAPABLE_AGENT", true, { scope: "agents", passed: 3, failed: 3 }),
      gate("AGENT_BUSY", false, {
        scope: "agents",
        passed: 0,
        failed: 3,
        text: "every agent that could do it is busy",
      }),
    ],
    agents: {
      total: 6,
      capable: 3,
      online: 3,
      in_service: 3,
      healthy: 2,
      in_hours: 2,
      off_cooldown: 2,
      free: 0,
      nearest_miss: [
        {
          agent: "Scout",
          fails: ["AGENT_BUSY"],
          text: "it runs Map the swamp",
          until_ms: now + 240_000,
        },
      ],
    },
    position: {
      in_shape: 4,
      ahead_in_limit: 12,
      ahead: 12,
      is_exact: true,
      waiting_alike: 9,
      key_ms: now,
    },
    earliest: {
      at_ms: now + 540_000,
      kind: "estimate",
      basis: "when t-3 ends, by the median of 48 runs",
      not_before_certain_ms: now,
    },
    would_run_if: [
      {
        change: "raise global_constraints.max_concurrent_combat to 3",
        effect: "it would start at once on Scout",
        actions: [{ op: "plan" }],
      },
      {
        change: "cancel t-3",
        effect: "it would start when Main has let go",
        actions: [{ op: "cancel", task: "t-3", agent: "Main" }],
      },
    ],
    blocked_since_ms: now - 300_000,
    history: [
      [now - 900_000, "OUTSIDE_WINDOW"],
      [now - 300_000, "MODE_LIMIT"],
    ],
  };
}

export function madeUpAgentWhy(agent: Agent, now: number) {
  return {
    agent: agent.name,
    status: agent.status,
    health: agent.health,
    as_of_ms: now,
    since_ms: now - 400_000,
    headline: {
      code: "NOTHING_FOR_IT",
      text: "it is free; 18 tasks wait, none for it now (12: MODE_LIMIT)",
    },
    gates: [
      gate("AGENT_OFFLINE", true),
      gate("CORDONED", true),
      gate("AVOID_HOURS", true),
      gate("IDLE_BLOCK", true),
      gate("RUNTIME_CAP", true),
      gate("FAILURE_COOLDOWN", false, {
        text: "failed 3 times in an hour",
        until_ms: now + 1_800_000,
      }),
    ],
    cooldowns: [
      {
        type: "boss",
        code: "TASK_COOLDOWN",
        text: "30 m between two of them",
        until_ms: now + 900_000,
        probe: false,
      },
    ],
    holds: [],
    waiting: {
      total: 18,
      not_for_it: { MODE_LIMIT: 12, NO_CAPABLE_AGENT: 6 },
      first: [{ task: "t-1", name: "Clear the cantina", fails: ["MODE_LIMIT"] }],
    },
  };
}

export function madeUpStory(task: Task, now: number) {
  const at = (ago: number) => new Date(now - ago).toISOString();
  const attempts = task.agent_name
    ? [
        {
          fence: task.fence,
          agent: task.agent_name,
          outcome: task.status,
          offered_at: at(600_000),
          started_at: at(599_000),
          ended_at: task.completed_at,
          ran_s: task.actual_duration_s,
        },
      ]
    : [];
  const events = ["task.created", "task.offered", "task.started"].map((kind, index) => ({
    number: 100 + index,
    at: at(700_000 - index * 60_000),
    kind,
    subject: task.id,
    text: task.name,
    data: {},
  }));
  return { task: task.id, attempts, events };
}

export function madeUpPreview(now: number) {
  const runs = Array.from({ length: 24 }, (_, index) => ({
    task: `p-${index}`,
    name: "Daily quest run",
    mode: index % 2 ? "quest" : "farming",
    agent: index % 2 ? "Main" : "Farmer",
    starts_ms: now + index * 20_000_000,
    ends_ms: now + index * 20_000_000 + 5_400_000,
    waited_ms: 60_000 * index,
    waits: [],
    basis: "the plan",
  }));
  return {
    from_ms: now,
    until_ms: now + 7 * 86_400_000,
    zone: "UTC",
    assumptions: ["agents stay as they are"],
    runs,
    waiting: [{ code: "OUTSIDE_WINDOW", tasks: 9, total_ms: 90_000_000, longest_ms: 28_000_000 }],
    never: [
      {
        task: "t-5",
        name: "Craft stimpacks",
        mode: "crafting",
        code: "NO_CAPABLE_AGENT",
        text: "no agent can do it",
        waits: [],
      },
    ],
    skipped: [],
    limits: [{ key: "global", limit: 4, peak: 4, full_ms: 3_600_000 }],
    began_running: 2,
    runs_total: 24,
    never_total: 1,
  };
}

export function madeUpTimeline(tasks: readonly Task[], from: string, until: string) {
  const bars = tasks
    .filter((one) => one.agent_name && one.started_at)
    .slice(0, 4_000)
    .map((one) => ({
      task: one.id,
      name: one.name,
      mode: one.mode,
      agent: one.agent_name,
      fence: one.fence,
      outcome: one.status,
      offered_at: one.started_at,
      started_at: one.started_at,
      ended_at: one.completed_at,
    }));
  const start = new Date(Date.parse(from) + 3_600_000).toISOString();
  const end = new Date(Date.parse(from) + 7_200_000).toISOString();
  return {
    from,
    until,
    bars,
    shades: [
      { kind: "idle_block", name: "night", agent: "Main", from: start, until: end },
      { kind: "window", name: "peak_hours", agent: null, from: end, until },
    ],
    is_cut_off: false,
  };
}

const figures = (key: string, runs: number, failed: number) => ({
  key,
  runs,
  succeeded: runs - failed,
  failed,
  other: 0,
  failure_rate: failed / runs,
  ran_s: runs * 640,
  average_running: 0.4,
  utilisation: 0.42,
  wait_p50_s: 42,
  wait_p95_s: 610,
  run_p50_s: 580,
  run_p95_s: 1_900,
  ran_per_day_s: [9, 12, 7, 14, 11, 16, 5].map((hours) => (hours * 3_600) / 6),
});

export function madeUpAnalytics(agents: readonly Agent[]) {
  const few = agents.slice(0, 12);
  const modes = ["quest", "combat", "crafting", "farming"];
  const runs = few.length * 40;
  return {
    fleet_name: "MorningStar Fleet",
    timezone: "UTC",
    from: "2026-11-19T00:00:00.000Z",
    until: "2026-11-26T00:00:00.000Z",
    days: [
      "2026-11-20",
      "2026-11-21",
      "2026-11-22",
      "2026-11-23",
      "2026-11-24",
      "2026-11-25",
      "2026-11-26",
    ],
    is_cut_off: false,
    totals: {
      ...figures("", Math.max(1, runs), Math.round(runs / 14)),
      runs,
      agents: few.length,
      modes: 4,
    },
    agents: few.map((one, index) => figures(one.name, 40, index * 2)),
    modes: modes.map((mode, index) => figures(mode, 60, index * 3)),
    failures: few.flatMap((one, index) =>
      modes
        .filter((_, place) => (index + place) % 3)
        .map((mode, place) => ({ agent: one.name, mode, runs: 14, failed: (index * place) % 9 })),
    ),
    lost: {
      covered_s: 604_800,
      reasons: [
        { code: "NOTHING_FOR_IT", agent_hours: 121.4 },
        { code: "AVOID_HOURS", agent_hours: 63 },
        { code: "AGENT_OFFLINE", agent_hours: 40.2 },
      ],
    },
  };
}

export function madeUpAlerts(agents: readonly Agent[], now: number) {
  const at = (ago: number) => new Date(now - ago).toISOString();
  const alert = (id: string, more: object) => ({
    id,
    rule: "agent_gone",
    when: "agent_offline",
    cause: "LAPTOP-GHI789",
    severity: "critical",
    state: "open",
    title: "Trader is offline",
    text: "",
    subjects: ["Trader"],
    count: 1,
    most: 1,
    since: at(700_000),
    resolved_at: null,
    acknowledged_by: null,
    told_at: null,
    ...more,
  });
  const channel = (name: string, sent: number) => ({
    name,
    enabled: true,
    min_severity: "critical",
    address_from: `FLEETBUS_${name.toUpperCase()}_URL`,
    waiting: 0,
    sent,
    failed: 0,
    dropped: 0,
    last_error: null,
  });
  const items = agents.length
    ? [
        alert("3", {}),
        alert("2", {
          rule: "agent_unwell",
          severity: "warning",
          title: "Heals is not well: cpu_usage 91",
          subjects: ["Heals"],
        }),
        alert("1", {
          state: "resolved",
          title: "mode:combat was full for an hour",
          subjects: ["mode:combat"],
          resolved_at: at(4_000_000),
        }),
      ]
    : [];
  return {
    items,
    next_cursor: null,
    total: items.length,
    open: Math.min(2, items.length),
    channels: [channel("discord", 12), channel("log_webhook", 40)],
  };
}

export function madeUpSeries(agent: Agent, now: number) {
  return Object.entries(agent.performance_metrics).map(([name, value]) => {
    const at = Array.from({ length: 90 }, (_, index) =>
      new Date(now - (90 - index) * 40_000).toISOString(),
    );
    const mean = at.map(
      (_, index) =>
        value * (0.85 + 0.2 * Math.sin(index / 7 + name.length) + 0.04 * Math.sin(index * 2.3)),
    );
    return { name, at, mean, low: mean, high: mean };
  });
}
