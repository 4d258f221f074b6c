/** The list of keys, on `?`. */
import { PLACES } from "../routes";
import { Modal } from "../ui/modal";
import "./help.css";
import { HELP } from "./keymap";

export function KeyboardHelp({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keyboard" onClose={onClose} className="keys">
      <div className="body keys-columns">
        <dl>
          {HELP.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                {keys.split("  ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <dl>
          {PLACES.map((place) => (
            <div key={place.path}>
              <dt>
                <kbd>g</kbd>
                <kbd>{place.key}</kbd>
              </dt>
              <dd>{place.name}</dd>
            </div>
          ))}
        </dl>
      </div>
      <footer>
        <button type="button" className="button" data-first onClick={onClose}>
          Close
        </button>
      </footer>
    </Modal>
  );
}
