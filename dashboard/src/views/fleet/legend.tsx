/** What colours and signs of the heatmap mean. */
import { Glyph } from "../../ui/glyph";

export function Legend() {
  return (
    <ul className="legend small">
      <li>
        <i className="swatch green" /> healthy
      </li>
      <li>
        <i className="swatch orange" /> warning
      </li>
      <li>
        <i className="swatch vermillion" /> critical
      </li>
      <li>
        <i className="swatch grey" /> unknown
      </li>
      <li>
        <Glyph shape="play" size={9} /> busy
      </li>
      <li>
        <Glyph shape="cross" size={9} /> offline
      </li>
      <li>
        <Glyph shape="diamond" size={9} /> maintenance
      </li>
      <li>
        <b>!</b> error
      </li>
      <li>
        <b>?</b> suspect
      </li>
    </ul>
  );
}
