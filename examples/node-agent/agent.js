// A complete agent in Node.js: `npm install`, then `FLEETBUS_AGENT=bot-1 node agent.js`.
// What it does and why is in docs/protocol.md; the numbers in brackets are the assertions of
// `fleetbus conformance` that a rule is judged by.
"use strict";

const crypto = require("node:crypto");
const os = require("node:os");
const mqtt = require("mqtt");

const NAME = process.env.FLEETBUS_AGENT || "node-1";
const ROOT = `${process.env.FLEETBUS_ROOT || "fleet"}/v1`;
const BROKER = process.env.FLEETBUS_BROKER || "mqtt://127.0.0.1:1883";
const HEARTBEAT_S = Number(process.env.FLEETBUS_HEARTBEAT_S || 10);
const SLOTS = 4;

// What this agent can do. A handler gets the task and a promise-based sleep that rejects when the
// task must stop; what it returns is the result.
const handlers = {
  async conformance(task) {
    await task.sleep((task.args.sleep_s || 0) * 1000);
    if (task.args.fail) throw Object.assign(new Error("as asked"), { code: task.args.fail });
    return { echo: task.args.echo ?? null };
  },
};

// --- who this process is

const boot = crypto.randomBytes(16).toString("hex"); // one per process [PRES-8]
const began = now();
let epoch = null; // chosen once, above everything that is retained about this name [PRES-9]
let highestEpoch = -1;
let conn = 0;
let stated = null; // the state that this process stated last
let leaving = false;
const numbers = {}; // the last seq of each channel

// Leases count on a clock that never steps. Linux: it should also count while asleep, which Node
// does not offer; a machine that suspends needs a guard of its own.
function now() {
  return Math.round(performance.now());
}

function next(channel) {
  return (numbers[channel] = (numbers[channel] || 0) + 1);
}

function envelope(channel) {
  return {
    v: "1.0", ts_ms: Date.now(), agent: NAME, boot, epoch: epoch ?? Math.max(Date.now(), highestEpoch + 1),
    conn, seq: next(channel),
  };
}

function say(channel, fields, { qos = 1, retain = true } = {}) {
  if (client.connected) client.publish(`${ROOT}/agents/${NAME}/${channel}`, JSON.stringify({ ...envelope(channel), ...fields }), { qos, retain });
}

// --- what it holds

const jobs = new Map(); // task -> job; a job lives until nothing of it executes any more
const highest = new Map(); // task -> the highest fence ever seen [WORK-6]
const outbox = []; // reports that nobody has acknowledged yet [REPT-2]
const sentAt = new Map(); // heartbeat seq -> when it was sent, on our clock
let seen = { term: 0, rev: 0 }; // the newest desired that was applied [WORK-5]
let mode = "active";

function presenceState() {
  if (leaving) return "offline";
  return { drain: "draining", stop: "draining", paused: "paused" }[mode] || "online";
}

function statePresence() {
  stated = presenceState();
  say("presence", { state: stated });
}

function stateAll() {
  statePresence();
  say("info", {
    machine_id: os.hostname(), window_id: NAME, capabilities: Object.keys(handlers), slots: SLOTS,
    features: ["cancel", "progress"], client: { name: "node-agent", version: "0.1.0", lang: "javascript" },
    heartbeat_s: HEARTBEAT_S,
  });
  heartbeat();
}

function heartbeat() {
  if (!client.connected || epoch === null) return;
  const holding = [...jobs.values()].map((job) => ({
    task: job.task, fence: job.fence, phase: job.phase, for_ms: now() - job.acceptedAt,
  }));
  for (const report of outbox) // listed until the end is acknowledged [BEAT-4]
    if (report.terminal && !holding.some((held) => held.task === report.said.task && held.fence === report.said.fence))
      holding.push({ task: report.said.task, fence: report.said.fence, phase: "reporting" });
  const message = {
    ...envelope("heartbeat"), interval_s: HEARTBEAT_S, uptime_s: (now() - began) / 1000,
    slots_free: mode === "active" ? Math.max(0, SLOTS - jobs.size) : 0, holding, seen,
    report_seq: numbers.report || 0, outbox: outbox.length,
  };
  sentAt.set(message.seq, now()); // before it is sent: a lease counts from here, never from its arrival
  sentAt.delete(message.seq - 1000);
  client.publish(`${ROOT}/agents/${NAME}/heartbeat`, JSON.stringify(message), { qos: 0, retain: true });
  for (const report of outbox) if (now() - report.sentAt > HEARTBEAT_S * 500) send(report);
}

// --- reports

function report(job, event, detail = {}) {
  const said = { ...envelope("report"), task: job.task, fence: job.fence, event, detail };
  const terminal = ["succeeded", "failed", "cancelled", "abandoned", "rejected"].includes(event);
  const entry = { said, terminal, sentAt: 0 };
  outbox.push(entry);
  send(entry);
}

function send(entry) {
  entry.sentAt = now();
  if (client.connected) client.publish(`${ROOT}/agents/${NAME}/report`, JSON.stringify(entry.said), { qos: 1 });
}

function acknowledge(acks) {
  const upTo = acks[boot] || 0;
  while (outbox.length && outbox[0].said.seq <= upTo) outbox.shift(); // [REPT-3]
}

// --- work

function extend(job, asOf) {
  const sent = sentAt.get(asOf);
  if (sent === undefined) return;
  const deadline = sent + (job.told.lease_s - job.told.margin_s) * 1000;
  job.deadline = Math.max(job.deadline ?? -Infinity, deadline); // it never moves back
}

function tryStart(job) {
  const grace = job.told.cancel_grace_s * 1000;
  if (job.phase !== "accepted" || !(job.deadline - grace > now())) return; // [WORK-3]
  job.phase = "running";
  report(job, "started");
  const task = { ...job.told, sleep: (ms) => sleep(job, ms) };
  Promise.resolve().then(() => handlers[job.told.mode](task)).then(
    (result) => end(job, "succeeded", { result }),
    (error) => end(job, "failed", { code: String(error.code || error.name || "failed"), message: String(error.message), retryable: true }),
  );
}

function sleep(job, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    job.interrupt = () => { clearTimeout(timer); reject(new Error("stopped")); };
    if (job.why) job.interrupt();
  });
}

function end(job, event, detail) {
  jobs.delete(job.task);
  if (event === "failed" && job.why) // it ended because it was asked to
    report(job, job.why === "cancelled" ? "cancelled" : "abandoned", { code: job.why, message: "stopped" });
  else report(job, event, detail);
  reconcile(); // a later fence of the same task may have waited for this
  leaveIfDone();
}

function stop(job, why) {
  if (job.phase === "stopping") return;
  job.why = why;
  if (job.phase === "accepted") return end(job, "failed", {});
  job.phase = "stopping";
  if (job.interrupt) job.interrupt();
}

let wanted = [];
let wantedAsOf = 0;
function reconcile() {
  for (const job of [...jobs.values()])
    if (!wanted.some((told) => told.task === job.task && told.fence === job.fence)) stop(job, "not_assigned"); // [WORK-8]
  for (const told of wanted) {
    let job = jobs.get(told.task);
    if (job && job.fence !== told.fence) continue; // the old fence has to end first
    if (!job) {
      if (told.fence <= (highest.get(told.task) ?? -1)) continue;
      highest.set(told.task, told.fence);
      job = { task: told.task, fence: told.fence, told, phase: "accepted", acceptedAt: now() };
      if (!Object.hasOwn(handlers, told.mode)) {
        report(job, "rejected", { code: "no_handler", message: `no handler for ${told.mode}`, retryable: true });
        continue;
      }
      jobs.set(told.task, job);
    }
    job.told = told;
    if (told.want === "cancel") stop(job, "cancelled"); // [WORK-9]
    else { extend(job, wantedAsOf); tryStart(job); }
  }
}

// Work is asked to stop a grace before its deadline, whether a lease comes or not. [WORK-10]
setInterval(() => {
  for (const job of [...jobs.values()]) {
    if (job.told.on_lease_lost === "finish" || job.phase !== "running") continue;
    if (now() >= job.deadline - job.told.cancel_grace_s * 1000) stop(job, "lease_lost");
  }
}, 50);

// --- what it is told

const isCount = (value) => Number.isInteger(value) && value >= 0;
const isSeconds = (value) => typeof value === "number" && value >= 0;

function isAssignment(told) {
  return told && typeof told === "object" && typeof told.task === "string" && typeof told.mode === "string"
    && isCount(told.fence) && isSeconds(told.lease_s) && isSeconds(told.margin_s)
    && ["run", "pause", "cancel"].includes(told.want ??= "run")
    && isSeconds(told.cancel_grace_s ??= 5) && typeof (told.args ??= {}) === "object";
}

function onDesired(said) {
  if (!isCount(said.term) || !isCount(said.rev) || !isCount(said.as_of) || !Array.isArray(said.tasks ?? [])) return;
  if (!(said.tasks ?? []).every(isAssignment)) return; // [BAD-3]
  if (said.for_boot !== boot) return; // [WORK-2]
  if (said.term < seen.term || (said.term === seen.term && said.rev <= seen.rev)) return;
  seen = { term: said.term, rev: said.rev };
  acknowledge(said.report_ack || {});
  mode = said.mode || "active";
  wanted = said.tasks ?? [];
  wantedAsOf = said.as_of;
  reconcile();
  if (presenceState() !== stated) statePresence(); // [END-1]
  if (mode === "stop") { wanted = []; reconcile(); leaveIfDone(); }
}

function onLease(said) {
  if (said.boot !== boot || !isCount(said.as_of) || said.term < seen.term) return;
  acknowledge(said.report_ack || {});
  for (const granted of said.granted || []) { // what is not named is not renewed [WORK-11]
    const job = jobs.get(granted.task);
    if (job && job.fence === granted.fence) { extend(job, said.as_of); tryStart(job); }
  }
  leaveIfDone();
}

function onPresence(said) {
  if (said.boot === boot) {
    if (said.state !== stated && epoch !== null) setTimeout(statePresence, 250); // [PRES-5]
    return;
  }
  highestEpoch = Math.max(highestEpoch, said.epoch);
  if (epoch === null) return; // still choosing
  if (said.epoch < epoch) setTimeout(statePresence, 250); // [PRES-6]
  else if (said.state === "offline") { // that one is gone for good: move above it, as at a start
    epoch = null;
    client.end(true);
  } else { // a newer process bears this name: stop, and never come back [PRES-7]
    console.error(`superseded by boot ${said.boot}`);
    client.end(true, () => process.exit(3));
  }
}

// --- leaving

function leave() {
  mode = "stop";
  wanted = [];
  statePresence();
  reconcile();
  leaveIfDone();
  setTimeout(goodbye, 8000); // whatever is left
}

function leaveIfDone() {
  if (mode === "stop" && jobs.size === 0 && outbox.length === 0) goodbye();
}

function goodbye() {
  if (leaving) return;
  leaving = true;
  statePresence();
  client.end(false, () => process.exit(0));
}

process.on("SIGTERM", leave);
process.on("SIGINT", leave);

// --- the connection

const will = () => ({
  topic: `${ROOT}/agents/${NAME}/presence`, qos: 1, retain: true,
  payload: JSON.stringify({ ...envelope("presence"), state: "lost", reason: "the connection broke" }),
});

conn = 1;
highestEpoch = 0;
let client = connect();

function connect() {
  const made = mqtt.connect(BROKER, { clientId: NAME, username: NAME, clean: true, protocolVersion: 4, reconnectPeriod: 0, resubscribe: false, will: will() });
  made.on("connect", onConnect);
  made.on("message", onMessage);
  made.on("error", (error) => console.error(String(error.message || error)));
  made.on("close", () => {
    if (leaving || made !== client) return;
    conn += 1; // the next connection is another one [PRES-4]
    setTimeout(() => { client = connect(); }, 500 * Math.random() + 100);
  });
  return made;
}

function onConnect() {
  const topics = ["agents/" + NAME + "/presence", "registry/" + NAME, "inbox/" + NAME + "/#", "coordinator/presence", "coordinator/rollcall"];
  client.subscribe(topics.map((topic) => `${ROOT}/${topic}`), { qos: 1 }, (error, granted) => {
    if (error || granted.some((one) => one.qos > 1)) { console.error("a subscription was refused"); process.exit(4); }
    setTimeout(() => { // what is retained about this name comes first
      if (epoch === null && highestEpoch >= Date.now()) {
        epoch = highestEpoch + 1;
        client.end(true); // the will must carry the epoch
        return;
      }
      epoch ??= Date.now();
      stateAll();
    }, epoch === null ? 250 : 0);
  });
}

function onMessage(topic, payload) {
  let said;
  try {
    said = JSON.parse(payload.toString());
  } catch {
    return; // [BAD-1]
  }
  if (said === null || typeof said !== "object" || Array.isArray(said) || !/^1\.\d+$/.test(said.v ?? "1.0")) return;
  switch (topic.slice(ROOT.length + 1)) {
    case `inbox/${NAME}/desired`: return onDesired(said);
    case `inbox/${NAME}/lease`: return onLease(said);
    case `agents/${NAME}/presence`: return onPresence(said);
    case `registry/${NAME}`: highestEpoch = Math.max(highestEpoch, said.epoch || 0); return;
    case "coordinator/rollcall": setTimeout(stateAll, Math.random() * (said.jitter_ms || 0)); // [BEAT-6]
  }
}

setInterval(heartbeat, HEARTBEAT_S * 1000);
