/** What was decided last, and by whom: plan versions and operators' acts first, then the fleet's own story. */
import { Link } from "wouter";
import { useFleet } from "../../live/hooks";
import { Panel } from "../../ui/panel";
import { When } from "../../ui/when";
import { EventWords } from "../events/subject";

export function Recent() {
  const events = useFleet((fleet) => fleet.events);
  return (
    <Panel
      title="Just now"
      flush
      aside={
        <Link href="/events" className="small">
          Events
        </Link>
      }
    >
      {events.length === 0 ? (
        <p className="soft pad">Nothing has happened yet.</p>
      ) : (
        <ul className="lines live">
          {events.slice(0, 7).map((event) => (
            <li key={event.number} className="recent-line">
              <span className="small faint">
                <When iso={event.at} />
              </span>
              <span className="clip">
                <EventWords event={event} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
