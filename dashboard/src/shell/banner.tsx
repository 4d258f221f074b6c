/** Says in words why what is shown may not be so; silent while everything is live. */
import { duration } from "../format/time";
import { useFleet, useLink, useStore } from "../live/hooks";
import { trouble } from "../live/link";
import { Glyph } from "../ui/glyph";

export function Banner() {
  const link = useLink();
  const store = useStore();
  const beat = useFleet((fleet) => fleet.beat);
  const reason = useFleet((fleet) => fleet.summary?.coordinator.reason ?? null);
  const wrong = trouble(beat);
  if (link.state === "disconnected") {
    return (
      <div className="banner bad" role="alert">
        <Glyph shape="cross" size={14} />
        <p>
          <strong>Disconnected.</strong>{" "}
          {link.seconds === null
            ? "The server has not answered yet. "
            : `Everything below is as it was ${link.seconds < 1 ? "a moment" : duration(link.seconds)} ago. `}
          The fleet goes on without this page; it connects again by itself.
        </p>
        <button type="button" className="button small" onClick={() => store.refresh()}>
          Try now
        </button>
      </div>
    );
  }
  if (wrong !== null) {
    return (
      <div className="banner warn" role="alert">
        <Glyph shape="triangle" size={14} />
        <p>
          {wrong} {reason}
        </p>
      </div>
    );
  }
  return null;
}
