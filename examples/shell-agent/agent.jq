# What the agent in agent.sh decides. Each line of input is an event, "NOW,WALL KIND REST" with NOW in
# milliseconds of a clock that also counts while the machine sleeps; each line of output is an order
# to the shell. Nothing here reads a clock, a socket or a file. The words in brackets are the
# assertions of `fleetbus conformance`; docs/protocol.md gives the reasons.

def order($words): .out += [$words | map(if type == "string" then . else tojson end) | join("\t")];

def next($channel): .seq[$channel] = (.seq[$channel] // 0) + 1;

def envelope($channel): {
  v: "1.0", ts_ms: .wall, agent: $name, boot: $boot, epoch: (.epoch // ([.wall, .highest_epoch + 1] | max)),
  conn: .conn, seq: .seq[$channel] };

def say($channel; $fields):
  next($channel) | envelope($channel) as $e | order(["pub", $channel, 1, ($e + $fields)]);

def state: if .mode == "drain" or .mode == "stop" then "draining"
  elif .mode == "paused" then "paused" else "online" end;

def state_presence: state as $state | .stated = $state | say("presence"; {state: $state});

def holding: [.jobs[] | {task, fence, phase}] as $jobs
  | $jobs + [.outbox[] | select(.terminal) | {task: .said.task, fence: .said.fence, phase: "reporting"}
      | select(. as $r | all($jobs[]; .task != $r.task or .fence != $r.fence))];

def send_report($i): .outbox[$i].sent = .now | order(["pub", "report", 0, .outbox[$i].said]);

def heartbeat:
  next("heartbeat") | .sent["\(.seq.heartbeat)"] = .now | .beat_due = .now + $heartbeat_ms
  | del(.sent["\(.seq.heartbeat - 100)"])
  | envelope("heartbeat") as $e | holding as $holding
  | order(["pub", "heartbeat", 1, ($e + {interval_s: ($heartbeat_ms / 1000), holding: $holding, seen: .seen,
      slots_free: (if .mode == "active" then ([0, $slots - (.jobs | length)] | max) else 0 end),
      report_seq: (.seq.report // 0), outbox: (.outbox | length)})])
  | reduce range(.outbox | length) as $i (.;                                               # [REPT-2]
      if .now - .outbox[$i].sent > $heartbeat_ms / 2 then send_report($i) else . end);

def state_all: state_presence
  | say("info"; {machine_id: $host, window_id: $name, capabilities: ["conformance"], slots: $slots,
      features: ["cancel"], client: {name: "shell-agent", version: "0.1.0", lang: "sh"},
      heartbeat_s: ($heartbeat_ms / 1000)})
  | heartbeat;

def report($job; $event; $detail):
  next("report") | envelope("report") as $e
  | .outbox += [{said: ($e + {task: $job.task, fence: $job.fence, event: $event, detail: $detail}), sent: .now,
      terminal: ($event | IN("succeeded", "failed", "cancelled", "abandoned", "rejected"))}]
  | send_report(.outbox | length - 1);

def acknowledge($acks): ($acks[$boot] // 0) as $upto | .outbox |= map(select(.said.seq > $upto));

# --- work

def extend($task; $as_of): .sent["\($as_of)"] as $sent
  | if $sent == null then . else
      .jobs[$task] |= (($sent + (.told.lease_s - .told.margin_s) * 1000) as $new
        | .deadline = ([.deadline, $new] | max)) end;     # it never moves back

def try_start($task): .jobs[$task] as $job
  | if $job.phase == "accepted" and $job.deadline != null
       and $job.deadline - $job.told.cancel_grace_s * 1000 > .now then          # [WORK-3]
      .jobs[$task].phase = "running" | report($job; "started"; {})
      | order(["run", $task, $job.fence, ($job.told.args.sleep_s // 0)])
    else . end;

def finish($task): .jobs[$task] as $job | ($job.told.args) as $args | del(.jobs[$task])
  | if $job.why == "cancelled" then report($job; "cancelled"; {code: "cancelled"})
    elif $job.why then report($job; "abandoned"; {code: $job.why})
    elif $args.fail then report($job; "failed"; {code: $args.fail, message: "as asked"})
    else report($job; "succeeded"; {result: {echo: $args.echo}}) end;

def stop($task; $why): .jobs[$task] as $job
  | if $job.phase == "stopping" then .
    elif $job.phase == "accepted" then .jobs[$task].why = $why | finish($task)
    else .jobs[$task] += {phase: "stopping", why: $why} | order(["kill", $task, $job.fence]) end;

def take($told): ($told.task) as $task | .jobs[$task] as $held
  | if $held and $held.fence != $told.fence then .                    # the old fence has to end first
    elif $held == null and $told.fence <= (.highest[$task] // -1) then .                   # [WORK-6]
    else
      .highest[$task] = $told.fence
      | if $held == null and $told.mode != "conformance" then
          report({task: $task, fence: $told.fence}; "rejected"; {code: "no_handler", retryable: true})
        else
          (if $held == null then .jobs[$task] = {task: $task, fence: $told.fence, phase: "accepted"} else . end)
          | .jobs[$task].told = $told
          | if $told.want == "cancel" then stop($task; "cancelled")                        # [WORK-9]
            else extend($task; .as_of) | try_start($task) end
        end
    end;

def reconcile: .wanted as $wanted
  | reduce (.jobs | keys[]) as $task (.; .jobs[$task] as $job                              # [WORK-8]
      | if any($wanted[]; .task == $task and .fence == $job.fence) then . else stop($task; "not_assigned") end)
  | reduce $wanted[] as $told (.; take($told));

# --- what it is told

def is_count: type == "number" and . >= 0 and . == floor;
def is_assignment: (.task | type) == "string" and (.mode | type) == "string" and (.fence | is_count)
  and (.lease_s | type) == "number" and (.margin_s | type) == "number"
  and (.cancel_grace_s | type) == "number" and (.args | type) == "object";
def usual: {want: "run", cancel_grace_s: 5, args: {}} + .;

def on_desired($said): ($said.tasks // []) as $tasks
  | if ($said | (.term | is_count) and (.rev | is_count) and (.as_of | is_count)) and ($tasks | type) == "array"
       and all($tasks[]; type == "object" and (usual | is_assignment))                     # [BAD-3]
       and $said.for_boot == $boot and [$said.term, $said.rev] > [.seen.term, .seen.rev]   # [WORK-2, WORK-5]
    then .seen = {term: $said.term, rev: $said.rev} | acknowledge($said.report_ack // {})
      | .mode = ($said.mode // "active") | .as_of = $said.as_of
      | .leave_by = .now + 8000
      | .wanted = (if .mode == "stop" then [] else $tasks | map(usual) end)
      | reconcile | if state != .stated then state_presence else . end
    else . end;

def on_lease($said):
  if $said.boot == $boot and ($said.as_of | is_count) and $said.term >= .seen.term then
    acknowledge($said.report_ack // {})                                                    # [REPT-3]
    | reduce ($said.granted // [])[] as $g (.;                                             # [WORK-11]
        if .jobs[$g.task].fence == $g.fence then extend($g.task; $said.as_of) | try_start($g.task) else . end)
  else . end;

def on_presence($said):
  if $said.boot == $boot then
    if .epoch == null or $said.state == .stated then .
    elif $said.state == "lost" and $said.conn == .conn then order(["reconnect"])           # [PRES-4, PRES-5]
    elif $said.state == "lost" and $said.conn > .conn then .
    else state_presence end
  else .highest_epoch = ([.highest_epoch, $said.epoch] | max)
    | if .epoch == null then . elif $said.epoch < .epoch then state_presence               # [PRES-6]
      elif $said.state == "offline" then .epoch = null | order(["reconnect"])
      else order(["exit", 3]) end                                                          # [PRES-7]
  end;

def on_bus($topic; $said):
  if ($said | type) != "object" or (($said.v // "1.0") | type) != "string"
     or (($said.v // "1.0") | test("^1\\.[0-9]+$") | not) then .                           # [BAD-1]
  elif $topic == "inbox/\($name)/desired" then on_desired($said)
  elif $topic == "inbox/\($name)/lease" then on_lease($said)
  elif $topic == "agents/\($name)/presence" then on_presence($said)
  elif $topic == "registry/\($name)" then .highest_epoch = ([.highest_epoch, $said.epoch // 0] | max)
  elif $topic == "coordinator/rollcall" then state_all                                     # [BEAT-6]
  else . end;

# --- time and the rest

def look:
  reduce (.jobs | keys[]) as $task (.; .jobs[$task] as $job                                # [WORK-10]
    | if $job.phase == "running" and $job.told.on_lease_lost != "finish"
         and .now >= $job.deadline - $job.told.cancel_grace_s * 1000 then stop($task; "lease_lost") else . end)
  | if .epoch != null and .now >= .beat_due then heartbeat else . end
  | if .mode == "stop" and (.jobs | length) == 0 and ((.outbox | length) == 0 or .now > .leave_by) then
      say("presence"; {state: "offline"}) | order(["exit", 0]) | .mode = "gone"
    else . end;

def connecting($conn): .conn = $conn | .will_epoch = (.epoch // ([.wall, .highest_epoch + 1] | max))
  | next("presence") | envelope("presence") as $e
  | order(["will", ($e + {epoch: .will_epoch, state: "lost", reason: "the connection broke"})]);  # [PRES-3]

def connected($conn):
  if $conn != .conn then . else
    .epoch = (.epoch // ([.will_epoch, .highest_epoch + 1] | max))
    | if .epoch != .will_epoch then order(["reconnect"]) else state_all end                # [PRES-9]
  end;

def step($kind; $rest):
  if $kind == "tick" then look
  elif $kind == "bus" then ($rest | index("\t")) as $at
    | ($rest[$at + 1:] | try fromjson catch null) as $said
    | if $said == null then . else on_bus($rest[:$at] | ltrimstr($root + "/"); $said) end
  elif $kind == "connecting" then connecting($rest | tonumber)
  elif $kind == "connected" then connected($rest | tonumber)
  elif $kind == "ended" then ($rest | split(" ")) as [$task, $fence]
    | if .jobs[$task].fence == ($fence | tonumber) then finish($task) | reconcile else . end
  elif $kind == "leave" then .mode = "stop" | .leave_by = .now + 8000 | .wanted = [] | reconcile | state_presence
  else . end;

# A line that two writers have torn is dropped: whatever mattered in it is said again.
def understood: . as $all | try (
    capture("^(?<now>[0-9]+),(?<wall>[0-9]+) (?<kind>[a-z]+) (?<rest>.*)$")
    | .now |= tonumber | .wall |= tonumber) catch null;

foreach (inputs | understood | select(. != null)) as $event (
  { seq: {}, jobs: {}, highest: {}, outbox: [], sent: {}, seen: {term: 0, rev: 0}, mode: "active", wanted: [],
    as_of: 0, epoch: null, highest_epoch: 0, conn: 0, beat_due: 0, leave_by: 0, will_epoch: 0, stated: "" };
  . as $before
  | .out = [] | .now = $event.now | .wall = $event.wall
  | try step($event.kind; $event.rest) catch ($before | .out = []);                        # [BAD-1]
  .out[])
