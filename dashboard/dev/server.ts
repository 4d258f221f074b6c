/**
 * Serves a made-up fleet to `npm run dev`, so that a view can be worked on without a server.
 *
 * `POST /dev/fleet/<empty|normal|thousand|broken>` changes what it is. With FLEETBUS_URL set, the
 * development server asks a real `fleetbus web` instead, and nothing of this is used.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import type { Agent, Task } from "../src/api/types";
import {
  madeUpAgentWhy,
  madeUpAlerts,
  madeUpAnalytics,
  madeUpPreview,
  madeUpSeries,
  madeUpStory,
  madeUpTimeline,
  madeUpWhy,
} from "./answers.ts";
import { madeUpAgent, madeUpEvents, madeUpSummary, madeUpTask } from "./fleet.ts";

const SIZES: Readonly<Record<string, readonly [agents: number, tasks: number]>> = {
  empty: [0, 0],
  normal: [6, 60],
  thousand: [1_000, 100_000],
  ten: [10_000, 60],
  broken: [6, 60],
};
const BASE = "/api/orchestrator";
const PLAN = JSON.parse(
  readFileSync(new URL("../../config/fleet_plan.json", import.meta.url), "utf8"),
);

interface World {
  name: string;
  agents: Agent[];
  tasks: Task[];
}

function world(name: string): World {
  const [agents, tasks] = SIZES[name] ?? [6, 60];
  const now = Date.now();
  return {
    name,
    agents: Array.from({ length: agents }, (_, index) => madeUpAgent(index, agents, now)),
    tasks: Array.from({ length: tasks }, (_, index) => madeUpTask(index, now, agents)),
  };
}

export function madeUpFleet(): Plugin {
  let here = world(process.env.FLEET ?? "normal");
  const streams = new Set<ServerResponse>();
  return {
    name: "made-up-fleet",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? "/", "http://localhost");
        if (url.pathname.startsWith("/dev/fleet/")) {
          here = world(url.pathname.slice("/dev/fleet/".length));
          for (const one of streams) one.end();
          return json(response, { fleet: here.name });
        }
        if (!url.pathname.startsWith(BASE)) return next();
        const path = url.pathname.slice(BASE.length);
        if (path === "/stream") return stream(here, request, response, streams);
        answer(here, request, path, url.searchParams, response);
      });
    },
  };
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, {
    "Content-Type": status < 400 ? "application/json" : "application/problem+json",
    ETag: '"v12"',
  });
  response.end(JSON.stringify(body));
}

function missing(response: ServerResponse, what: string): void {
  json(
    response,
    {
      type: "about:blank",
      title: "Not found",
      status: 404,
      detail: `there is no ${what}`,
      code: "not_found",
      errors: [],
    },
    404,
  );
}

function answer(
  here: World,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  response: ServerResponse,
): void {
  const now = Date.now();
  const [, kind, name = "", what] = path.split("/").map(decodeURIComponent);
  if (request.method !== "GET" && kind !== "fleet-plan")
    return json(response, {
      ok: true,
      message: null,
      dry_run: true,
      matched: 3,
      done: 3,
      skipped: 0,
      first: ["Harvest ore"],
      by_status: { pending: 3 },
      refused: [],
      id: "t-0",
      name: "made",
    });
  switch (kind) {
    case "session":
      return json(response, { name: "developer", scope: "admin", expires: null });
    case "summary":
      return json(response, madeUpSummary(here.agents, here.tasks, now));
    case "agents": {
      const agent = here.agents.find((one) => one.name === name);
      if (!name)
        return json(response, {
          items: here.agents,
          next_cursor: null,
          total: here.agents.length,
          stale: false,
        });
      if (!agent) return missing(response, `agent ${name}`);
      if (what === "why-idle")
        return json(response, { as_of: null, answer: madeUpAgentWhy(agent, now) });
      if (what === "metrics")
        return json(response, { subject: name, step_s: 10, series: madeUpSeries(agent, now) });
      return json(response, agent);
    }
    case "tasks": {
      if (!name) return json(response, page(here, query));
      const task = here.tasks.find((one) => one.id === name);
      if (!task) return missing(response, `task ${name}`);
      if (what === "why") return json(response, { as_of: null, answer: madeUpWhy(task, now) });
      if (what === "story") return json(response, madeUpStory(task, now));
      return json(response, task);
    }
    case "fleet-plan":
      if (name === "history")
        return json(response, {
          version: 12,
          items: [12, 11, 10].map((version) => ({
            version,
            at: new Date(now - (13 - version) * 86_400_000).toISOString(),
            author: "ann",
            comment: version === 11 ? "two more farmers" : "",
            rollback_of: version === 12 ? 10 : null,
          })),
        });
      if (name === "check") return json(response, { ok: true, version: 12, problems: [] });
      if (name === "diff")
        return json(response, {
          version: 12,
          changes: [{ path: "global_constraints.max_concurrent_agents", before: 4, after: 5 }],
          changes_total: 1,
          impact: { infeasible: [], infeasible_total: 0 },
          problems: [],
        });
      if (name === "preview")
        return json(response, {
          version: 12,
          is_of_plan_in_force: false,
          preview: madeUpPreview(now),
        });
      return json(response, {
        version: 12,
        at: new Date(now - 86_400_000).toISOString(),
        author: "ann",
        comment: "",
        rollback_of: null,
        in_force: 12,
        plan: PLAN,
      });
    case "limits":
      return json(response, {
        limits: madeUpSummary(here.agents, here.tasks, now).limits,
        caps: here.agents.length
          ? [
              {
                key: "mode:pvp",
                unit: "daily",
                used: 14,
                max: 20,
                resets_at: new Date(now + 20_000_000).toISOString(),
              },
              {
                key: "mode:pvp",
                unit: "weekly",
                used: 61,
                max: 100,
                resets_at: new Date(now + 220_000_000).toISOString(),
              },
            ]
          : [],
        fleet_pause: null,
        stale: false,
      });
    case "events":
      return json(response, {
        items: here.tasks.length ? madeUpEvents(now, 200) : [],
        next_cursor: null,
        total: 200,
        stale: false,
      });
    case "schedules":
      return json(
        response,
        here.tasks.length
          ? [
              {
                name: "nightly upkeep",
                definition: { cron: "0 4 * * *" },
                runs_made: 12,
                last_planned_for: null,
                next_at: new Date(now + 3_000_000).toISOString(),
                paused: false,
              },
            ]
          : [],
      );
    case "timeline":
      return json(
        response,
        madeUpTimeline(here.tasks, query.get("from") ?? "", query.get("to") ?? ""),
      );
    case "analytics":
      return json(response, madeUpAnalytics(here.agents));
    case "alerts":
      return json(response, madeUpAlerts(here.agents, now));
    case "why":
      return json(response, {
        as_of: null,
        answer: { blocked: [], agents: { total: here.agents.length, free: 2, not_free: {} } },
      });
    default:
      return missing(response, path);
  }
}

const HEAT = [
  "name",
  "status",
  "health",
  "suspect",
  "machine_id",
  "current_mode",
  "desired_mode",
  "held",
  "slots",
];

function heatRow(one: Agent): unknown[] {
  return [
    one.name,
    one.status,
    one.health,
    one.suspect,
    one.machine_id,
    one.current_mode,
    one.desired_mode,
    one.holds.length,
    one.slots,
  ];
}

function page(here: World, query: URLSearchParams) {
  const status = query.getAll("status");
  const needle = (query.get("q") ?? "").toLowerCase();
  const sort = query.get("sort") ?? "-created_at";
  const field = sort.replace("-", "") as keyof Task;
  const found = here.tasks.filter(
    (one) =>
      (!status.length || status.includes(one.status)) &&
      (!needle || one.name.toLowerCase().includes(needle)),
  );
  found.sort(
    (a, b) => (String(a[field]) < String(b[field]) ? -1 : 1) * (sort.startsWith("-") ? -1 : 1),
  );
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 100);
  return {
    items: found.slice(from, from + limit),
    next_cursor: from + limit < found.length ? String(from + limit) : null,
    total: found.length,
    stale: false,
  };
}

function stream(
  here: World,
  request: IncomingMessage,
  response: ServerResponse,
  streams: Set<ServerResponse>,
): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  streams.add(response);
  const say = (event: string, data: unknown) =>
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const at = () => new Date().toISOString();
  let seq = 1;
  const summary = madeUpSummary(here.agents, here.tasks, Date.now());
  say("beat", { at: at(), coordinator: "online", bus: true, behind_s: 0 });
  say("snapshot", {
    seq,
    at: at(),
    views: {
      summary,
      ...(here.agents.length > 500
        ? { heat: { columns: HEAT, rows: here.agents.map(heatRow) } }
        : { agents: here.agents }),
      tasks: here.tasks.filter((one) => one.status === "running").slice(0, 500),
      events: here.tasks.length ? madeUpEvents(Date.now(), 50) : [],
      alerts: [],
    },
  });
  if (here.name === "broken") {
    setTimeout(() => {
      response.end();
      here.name = "gone";
    }, 800);
  }
  if (here.name === "gone") {
    response.end();
    return;
  }
  const beats = setInterval(
    () => say("beat", { at: at(), coordinator: "online", bus: true, behind_s: 0 }),
    2_000,
  );
  const deltas = setInterval(() => {
    if (!here.agents.length) return;
    seq += 1;
    const changed = here.agents.filter((_, index) => (index + seq) % 5 === 0);
    for (const one of changed) {
      one.last_heartbeat = at();
      one.performance_metrics.cpu_usage = 20 + Math.random() * 75;
    }
    say("delta", {
      seq,
      at: at(),
      agents: {
        upsert: changed.map(({ name, last_heartbeat, performance_metrics }) => ({
          name,
          last_heartbeat,
          performance_metrics,
        })),
      },
    });
  }, 500);
  request.on("close", () => {
    streams.delete(response);
    clearInterval(beats);
    clearInterval(deltas);
  });
}
