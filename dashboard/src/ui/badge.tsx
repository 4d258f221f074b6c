/** A word with its hue and shape. */
import type { ReactNode } from "react";
import type { AgentHealth, AgentStatus, Priority, TaskStatus } from "../api/types";
import { plain } from "../format/words";
import "./badge.css";
import { Glyph } from "./glyph";
import { AGENT, HEALTH, type Look, PRIORITY, SUSPECT, TASK } from "./looks";

export function Badge({
  look,
  children,
  title,
}: {
  look: Look;
  children: ReactNode;
  title?: string;
}) {
  return (
    <span className={`badge ${look.hue}`} title={title}>
      <Glyph shape={look.shape} />
      <span>{children}</span>
    </span>
  );
}

const OTHER: Look = { hue: "grey", shape: "question" };

export function HealthBadge({ health }: { health: AgentHealth }) {
  return <Badge look={HEALTH[health] ?? OTHER}>{health}</Badge>;
}

export function AgentBadge({ status, suspect }: { status: AgentStatus; suspect: boolean }) {
  if (suspect) {
    return (
      <Badge look={SUSPECT} title={`${status}; nothing was heard of it lately`}>
        suspect
      </Badge>
    );
  }
  return <Badge look={AGENT[status] ?? OTHER}>{status}</Badge>;
}

export function TaskBadge({ status, phase }: { status: TaskStatus; phase?: string | undefined }) {
  const said = phase && phase !== status && phase !== "ready" ? plain(phase) : null;
  return (
    <Badge look={TASK[status] ?? OTHER} {...(said ? { title: said } : {})}>
      {status}
    </Badge>
  );
}

export function PriorityBadge({ priority }: { priority: Priority }) {
  return (
    <span className={`priority ${(PRIORITY[priority] ?? OTHER).hue}`}>
      <Glyph shape={(PRIORITY[priority] ?? OTHER).shape} size={9} />
      {priority}
    </span>
  );
}

export function Chip({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className="chip" title={title}>
      {children}
    </span>
  );
}
