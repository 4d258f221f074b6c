/** Parts of the page that are loaded when they are needed, or before; shown at once when they are here. */
import { type ComponentType, createElement, lazy, type ReactNode, useState } from "react";

export interface Later<P> {
  (props: P): ReactNode;
  /** Load it now; resolves also when that does not work, which is told when it is shown. */
  load: () => Promise<void>;
}

/**
 * As `lazy`, but what is here already is drawn without waiting: what suspends, if only for an
 * instant, is kept back by React for 300 ms so that nothing flickers.
 */
export function later<P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
): Later<P> {
  let here: ComponentType<P> | null = null;
  const loaded = async () => {
    const part = await load();
    here = part.default;
    return part;
  };
  const Waiting = lazy(loaded) as unknown as ComponentType<P>;
  // biome-ignore lint/correctness/noComponentHookFactories: modules call this once, as they call lazy
  function Part(props: P) {
    // What was loaded or not when it came stays that, or it would lose its state when it is.
    const [shown] = useState<ComponentType<P>>(() => here ?? Waiting);
    return createElement(shown, props);
  }
  Part.load = () =>
    loaded().then(
      () => undefined,
      () => undefined,
    );
  return Part;
}
