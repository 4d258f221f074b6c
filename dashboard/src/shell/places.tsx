/** Where one can go: a column on a screen, a bar at the bottom of a phone. */
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useFleet } from "../live/hooks";
import { PLACES, type Place } from "../routes";
import { Icon } from "../ui/icon";

function isHere(place: Place, location: string): boolean {
  if (place.path === "/") return location === "/";
  if (place.path === "/fleet" && location.startsWith("/agents/")) return true;
  return location === place.path || location.startsWith(`${place.path}/`);
}

export function Places() {
  const [location] = useLocation();
  const [more, setMore] = useState(false);
  const alerts = useFleet((fleet) => fleet.alerts.filter((one) => one.state !== "resolved").length);
  return (
    <nav className={more ? "places open" : "places"} aria-label="Views">
      <p className="brand" aria-hidden="true">
        <img src="/icon.svg" alt="" width={24} height={24} />
        <span>fleetbus</span>
      </p>
      <ul>
        {PLACES.map((place) => (
          <li key={place.path} className={place.first ? "first" : ""}>
            <Link
              href={place.path}
              aria-current={isHere(place, location) ? "page" : undefined}
              title={`${place.name} (g ${place.key})`}
              onClick={() => setMore(false)}
            >
              <Icon name={place.icon} />
              <span>{place.name}</span>
              {place.path === "/alerts" && alerts > 0 ? (
                <b className="bubble" title={`${alerts} open`}>
                  {alerts}
                </b>
              ) : null}
            </Link>
          </li>
        ))}
        <li className="first more">
          <button type="button" aria-expanded={more} onClick={() => setMore(!more)}>
            <Icon name="more" />
            <span>More</span>
          </button>
        </li>
      </ul>
    </nav>
  );
}
