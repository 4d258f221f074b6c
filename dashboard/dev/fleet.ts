/** A made-up fleet of any size, always the same one, for work on views without a server. */
import type {
  Agent,
  AgentHealth,
  AgentStatus,
  FleetEvent,
  Summary,
  Task,
  TaskStatus,
} from "../src/api/types";

const MODES = ["quest", "combat", "crafting", "farming", "medic_follow", "trading", "exploration"];
const NAMES = ["Main", "Heals", "Crafter", "Farmer", "Scout", "Trader"];
const WORK = [
  "Daily quest run",
  "Clear the cantina",
  "Craft stimpacks",
  "Harvest ore",
  "Follow the leader",
  "Sell at the bazaar",
  "Map the swamp",
];

/** A repeatable stream of numbers between 0 and 1. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const pick = <T>(from: readonly T[], roll: number): T => from[Math.floor(roll * from.length)] as T;

export function madeUpAgent(index: number, total: number, now: number): Agent {
  const roll = chance(index * 7919 + 13);
  roll();
  const lot = roll();
  const status: AgentStatus =
    lot < 0.45
      ? "busy"
      : lot < 0.8
        ? "idle"
        : lot < 0.9
          ? "offline"
          : lot < 0.95
            ? "maintenance"
            : "error";
  const well = roll();
  const health: AgentHealth =
    status === "offline"
      ? "unknown"
      : well < 0.8
        ? "healthy"
        : well < 0.93
          ? "warning"
          : "critical";
  const mode = MODES[index % MODES.length] as string;
  return {
    name: total <= 60 ? (NAMES[index] ?? `Bot-${index}`) : `bot-${String(index).padStart(4, "0")}`,
    machine_id:
      total <= 60
        ? pick(["DESKTOP-ABC123", "DESKTOP-DEF456", "LAPTOP-GHI789"], (index % 3) / 3)
        : `RACK-${String(Math.floor(index / 40)).padStart(2, "0")}`,
    window_id: `SWG_${String(index).padStart(2, "0")}`,
    status,
    health,
    reasons:
      health === "warning"
        ? ["cpu_usage 91.0 is above 90 (cpu_warning)"]
        : health === "critical"
          ? ["memory_usage 98.7 is above 98 (memory_max)"]
          : [],
    suspect: roll() < 0.02,
    capabilities: [...new Set([mode, pick(MODES, roll()), "social"])],
    current_mode: status === "busy" ? mode : null,
    desired_mode: "active",
    slots: 1,
    holds: status === "busy" ? [`t-${index}`] : [],
    last_heartbeat: iso(now - roll() * 9_000),
    uptime_s: 3_600 * (1 + roll() * 40),
    performance_metrics: {
      cpu_usage: 20 + roll() * 70,
      memory_usage: 30 + roll() * 60,
      response_time: 200 + roll() * 2_000,
      fps: 20 + roll() * 40,
      network_latency: 20 + roll() * 150,
    },
    error_count: Math.floor(roll() * 4),
    last_error: lot > 0.95 ? "the game window does not answer" : null,
    registration_time: iso(now - 86_400_000),
    config_path: `config/agent_${index}.json`,
    session_data: { conn: 3 },
    labels: {},
    epoch: 12,
    client: { name: "agent_client", version: "0.1.0", lang: "python" },
    operator:
      status === "maintenance"
        ? { verb: "maintenance", reason: "new disk", actor: "ann", until: iso(now + 1_800_000) }
        : null,
  };
}

const STATUSES: readonly TaskStatus[] = [
  "pending",
  "pending",
  "pending",
  "running",
  "completed",
  "completed",
  "failed",
  "cancelled",
  "paused",
];
const BLOCKS = [
  "AGENT_BUSY",
  "OUTSIDE_WINDOW",
  "MODE_LIMIT",
  "CAP_REACHED",
  "NO_CAPABLE_AGENT",
  "FAILURE_COOLDOWN",
];

export function madeUpTask(index: number, now: number, agents: number): Task {
  const roll = chance(index * 104_729 + 7);
  roll();
  const status = pick(STATUSES, roll());
  const lot = Math.floor(roll() * MODES.length);
  const created = now - 60_000 - roll() * 7_200_000;
  const started = status === "pending" || status === "paused" ? null : created + roll() * 600_000;
  const over = status === "completed" || status === "failed" || status === "cancelled";
  const agent = Math.floor(roll() * Math.max(1, agents));
  return {
    id: `t-${index}`,
    name: `${WORK[lot]}${index % 3 ? ` ${index}` : ""}`,
    mode: MODES[lot] as string,
    agent_name: started === null || agents === 0 ? null : madeUpAgent(agent, agents, now).name,
    priority: pick(
      ["critical", "high", "normal", "normal", "normal", "low", "maintenance"] as const,
      roll(),
    ),
    status,
    phase: status === "pending" ? "ready" : status,
    attempt: started ? 1 : 0,
    fence: started ? 100 + index : 0,
    pct: status === "running" ? Math.round(roll() * 100) : null,
    step: status === "running" ? "on the way to the cantina" : null,
    created_at: iso(created),
    scheduled_for: null,
    started_at: started === null ? null : iso(started),
    completed_at: over && started !== null ? iso(started + roll() * 900_000) : null,
    estimated_duration_s: 600,
    actual_duration_s: over ? 60 + roll() * 900 : null,
    constraints: { time_window: "peak_hours" },
    anti_pattern_rules: [],
    daily_cap: null,
    weekly_cap: null,
    current_daily_count: null,
    current_weekly_count: null,
    error_count: status === "failed" ? 1 : 0,
    last_error: status === "failed" ? "the shuttle never came" : null,
    error_code: status === "failed" ? "handler_error" : null,
    blocked_by: status === "pending" ? [pick(BLOCKS, roll())] : [],
    result: status === "completed" ? { gold: 42 } : null,
    metadata: { quest_type: "daily" },
    args: { seconds: 5 },
    depends_on: [],
    expires_at: null,
    created_by: "ann",
    parent: null,
  };
}

export function madeUpEvents(now: number, many: number): FleetEvent[] {
  const kinds = [
    "task.completed",
    "task.started",
    "agent.online",
    "task.created",
    "agent.suspect",
    "task.failed",
    "plan.applied",
  ];
  return Array.from({ length: many }, (_, index) => ({
    number: 5_000 - index,
    at: iso(now - index * 7_000),
    kind: kinds[index % kinds.length] as string,
    subject: index % 2 ? `t-${index}` : (NAMES[index % NAMES.length] as string),
    text: index % 5 === 4 ? "nothing was heard of it for 3 s" : "Daily quest run on Main",
    data: { fence: 100 + index },
  }));
}

function tally<T>(
  all: readonly T[],
  keys: readonly string[],
  of: (one: T) => string,
): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(keys.map((key) => [key, 0]));
  for (const one of all) counts[of(one)] = (counts[of(one)] ?? 0) + 1;
  return counts;
}

export function madeUpSummary(
  agents: readonly Agent[],
  tasks: readonly Task[],
  now: number,
): Summary {
  const byStatus = tally(
    agents,
    ["online", "offline", "busy", "idle", "error", "maintenance"],
    (one) => one.status,
  );
  const byHealth = tally(
    agents,
    ["healthy", "warning", "critical", "unknown"],
    (one) => one.health,
  );
  const byTask = tally(
    tasks,
    ["pending", "running", "completed", "failed", "cancelled", "paused"],
    (one) => one.status,
  );
  const running = tasks.filter((one) => one.status === "running");
  const limit = (key: string, max: number, used: number) => ({
    key,
    max,
    used: Math.min(max, used),
    holders: running.slice(0, Math.min(max, used)).map((one) => one.id),
    queued_behind: used >= max ? 12 : 0,
    frees_at: used >= max ? iso(now + 420_000) : null,
    held: null,
  });
  return {
    fleet_name: "MorningStar Fleet",
    plan_version: 12,
    as_of: iso(now),
    total_agents: agents.length,
    online_agents: agents.length - (byStatus.offline ?? 0),
    busy_agents: byStatus.busy ?? 0,
    healthy_agents: byHealth.healthy ?? 0,
    agents_by_status: byStatus,
    agents_by_health: byHealth,
    total_tasks: tasks.length,
    pending_tasks: byTask.pending ?? 0,
    running_tasks: byTask.running ?? 0,
    completed_tasks: byTask.completed ?? 0,
    failed_tasks: byTask.failed ?? 0,
    cancelled_tasks: byTask.cancelled ?? 0,
    paused_tasks: byTask.paused ?? 0,
    tasks_by_priority: tally(
      tasks,
      ["critical", "high", "normal", "low", "maintenance"],
      (one) => one.priority,
    ),
    tasks_by_status: byTask,
    tasks_by_mode: tally(tasks, [], (one) => one.mode),
    blocked_by: tally(
      tasks.filter((one) => one.blocked_by.length),
      [],
      (one) => one.blocked_by[0] ?? "",
    ),
    limits: [
      limit("global", Math.max(4, agents.length >> 1), running.length),
      limit("mode:combat", 2, running.length ? 2 : 0),
      limit("mode:crafting", 1, 0),
      limit("mode:farming", 2, running.length ? 1 : 0),
      limit("key:auction_house", 1, running.length ? 1 : 0),
    ],
    dropped: {},
    coordinator: {
      state: "online",
      term: 3,
      name: "coordinator-1",
      reason: null,
      since: iso(now - 7_200_000),
    },
    bus: true,
    stale: false,
  } as Summary;
}
