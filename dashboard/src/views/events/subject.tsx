/** What an event is about, as a link where there is a page about it. */
import { Link } from "wouter";
import type { FleetEvent } from "../../api/types";
import { useFleet } from "../../live/hooks";
import { agentPath, taskPath } from "../../routes";

export function SubjectLink({ event }: { event: FleetEvent }) {
  const subject = event.subject;
  const isAgent = useFleet((fleet) => subject !== null && fleet.agents.has(subject));
  const task = useFleet((fleet) => (subject === null ? undefined : fleet.tasks.get(subject)));
  if (subject === null) return null;
  if (isAgent) return <Link href={agentPath(subject)}>{subject}</Link>;
  if (task || event.kind.startsWith("task"))
    return <Link href={taskPath(subject)}>{task?.name ?? subject}</Link>;
  return <span>{subject}</span>;
}
