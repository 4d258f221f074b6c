/** What an event is about, as a link where there is a page about it. */
import { Link } from "wouter";
import type { FleetEvent } from "../../api/types";
import { useFleet } from "../../live/hooks";
import { agentPath, taskPath } from "../../routes";

/** Tell an event in words, its subject as a link; a text that begins with it does not name it twice. */
export function EventWords({ event }: { event: FleetEvent }) {
  const { subject, text } = event;
  const rest =
    subject !== null && text.startsWith(`${subject} `) ? text.slice(subject.length) : ` ${text}`;
  return (
    <>
      <SubjectLink event={event} />
      <span className="soft">{rest}</span>
    </>
  );
}

function SubjectLink({ event }: { event: FleetEvent }) {
  const subject = event.subject;
  const isAgent = useFleet((fleet) => subject !== null && fleet.agents.has(subject));
  const task = useFleet((fleet) => (subject === null ? undefined : fleet.tasks.get(subject)));
  if (subject === null) return null;
  if (isAgent) return <Link href={agentPath(subject)}>{subject}</Link>;
  if (task || event.kind.startsWith("task"))
    return <Link href={taskPath(subject)}>{task?.name ?? subject}</Link>;
  return <span>{subject}</span>;
}
