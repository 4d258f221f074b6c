// A stream of a large fleet inside the page, in place of the network: a snapshot, then four changes a second.
(() => {
  const { agents, changed } = window.__scene;
  const columns = ["name", "status", "health", "suspect", "machine_id", "current_mode", "desired_mode", "held", "slots"];
  const statuses = ["busy", "idle", "offline", "maintenance"];
  const healths = ["healthy", "healthy", "healthy", "warning", "critical"];
  let turn = 0;
  const row = (index) => [
    `bot-${String(index).padStart(5, "0")}`,
    statuses[(index * 7 + turn) % statuses.length],
    healths[(index * 13 + turn) % healths.length],
    false,
    `RACK-${String(Math.floor(index / 50)).padStart(3, "0")}`,
    "quest",
    "active",
    1,
    1,
  ];
  const none = (keys) => Object.fromEntries(keys.map((key) => [key, 0]));
  const summary = {
    fleet_name: "Benchmark", plan_version: 1, as_of: null, total_agents: agents, online_agents: agents, busy_agents: 1, healthy_agents: 1,
    agents_by_status: none(statuses), agents_by_health: none(healths), total_tasks: 100000, pending_tasks: 100000, running_tasks: 0, completed_tasks: 0,
    failed_tasks: 0, cancelled_tasks: 0, paused_tasks: 0, tasks_by_priority: {}, tasks_by_status: { pending: 100000 }, tasks_by_mode: { quest: 100000 },
    blocked_by: { AGENT_BUSY: 100000 }, limits: [], dropped: {}, coordinator: { state: "online", term: 1, name: "c", reason: null, since: null }, bus: true, stale: false,
  };
  window.EventSource = class extends EventTarget {
    constructor() {
      super();
      const at = () => new Date().toISOString();
      const say = (event, data) => this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
      const beat = () => say("beat", { at: at(), coordinator: "online", bus: true, behind_s: 0 });
      setTimeout(() => {
        const rows = Array.from({ length: agents }, (_, index) => row(index));
        say("snapshot", { seq: 1, at: at(), views: { summary, heat: { columns, rows }, tasks: [], events: [], alerts: [] } });
        beat();
      }, 0);
      this.beats = setInterval(beat, 2000);
      this.deltas = setInterval(() => {
        turn += 1;
        const upsert = Array.from({ length: changed }, (_, index) => row((index * 17 + turn * 31) % agents));
        say("delta", { seq: turn + 1, at: at(), heat: { upsert, remove: [] } });
      }, 250);
    }
    close() {
      clearInterval(this.beats);
      clearInterval(this.deltas);
    }
  };
  // Every click and key press with the time until what it changed was painted.
  window.__acts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) window.__acts.push([entry.interactionId, entry.duration]);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
})();
