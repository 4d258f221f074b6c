/** What can be done to agents, one or many, as buttons with a dialog that says what will happen. */
import { useState } from "react";
import { agents } from "../api/endpoints";
import { useMay } from "../api/session";
import type { AgentVerb } from "../api/types";
import { plural } from "../format/numbers";
import { ReasonDialog } from "./reason";
import { useAct } from "./use-act";

interface Verb {
  name: string;
  means: string;
  lasting: boolean;
  danger: boolean;
}

export const AGENT_VERBS: Readonly<Record<AgentVerb | "unregister", Verb>> = {
  cordon: {
    name: "Cordon",
    means: "It finishes what it holds and is given nothing new.",
    lasting: true,
    danger: false,
  },
  drain: {
    name: "Drain",
    means: "It finishes what it holds, then rests; nothing new is given.",
    lasting: true,
    danger: false,
  },
  maintenance: {
    name: "Maintenance",
    means: "It is out of service, and raises no alert while it is.",
    lasting: true,
    danger: false,
  },
  return: {
    name: "Return to service",
    means: "Takes back what operators did to it.",
    lasting: false,
    danger: false,
  },
  start: {
    name: "Start",
    means:
      "It is active: its supervisor starts it where it does not run, and it is given work again.",
    lasting: false,
    danger: false,
  },
  stop: {
    name: "Stop",
    means: "It is told to stop. What it holds is given back, and runs elsewhere once that is safe.",
    lasting: false,
    danger: true,
  },
  restart: {
    name: "Restart",
    means: "Its process is ended and started anew. What it holds is given back first.",
    lasting: false,
    danger: true,
  },
  unregister: {
    name: "Unregister",
    means: "The coordinator forgets it. It is known again when it introduces itself.",
    lasting: false,
    danger: true,
  },
};

type AnyVerb = keyof typeof AGENT_VERBS;

export function AgentActs({
  names,
  verbs,
  small = false,
  onDone,
}: {
  names: readonly string[];
  verbs: readonly AnyVerb[];
  small?: boolean;
  onDone?: (verb: AnyVerb) => void;
}) {
  const [verb, setVerb] = useState<AnyVerb | null>(null);
  const may = useMay("operate");
  const act = useAct();
  const who = names.length === 1 ? (names[0] ?? "") : plural(names.length, "agent");
  const ask = async (chosen: AnyVerb, reason: string, forS: number | null) => {
    const results = await Promise.allSettled(
      names.map((name) =>
        chosen === "unregister"
          ? agents.forget(name)
          : agents.act(name, chosen, reason, AGENT_VERBS[chosen].lasting ? forS : undefined),
      ),
    );
    const refused = results.filter((one) => one.status === "rejected");
    if (refused.length === names.length || names.length === 1) {
      for (const one of refused) throw one.reason;
    }
    return refused.length;
  };
  return (
    <div className="row wrap">
      {verbs.map((one) => (
        <button
          key={one}
          type="button"
          className={`button ${small ? "small" : ""} ${AGENT_VERBS[one].danger ? "danger" : ""}`}
          disabled={!may || names.length === 0}
          title={may ? undefined : "Your token may only look"}
          onClick={() => setVerb(one)}
        >
          {AGENT_VERBS[one].name}
        </button>
      ))}
      {verb ? (
        <ReasonDialog
          title={`${AGENT_VERBS[verb].name}: ${who}`}
          confirm={AGENT_VERBS[verb].name}
          danger={AGENT_VERBS[verb].danger}
          lasting={AGENT_VERBS[verb].lasting}
          onClose={() => setVerb(null)}
          onConfirm={async ({ reason, forS }) => {
            await act<number>(
              (refused) =>
                `${AGENT_VERBS[verb].name}: ${who}${refused ? `, but ${refused} refused` : ""}`,
              `${AGENT_VERBS[verb].name} was refused for ${who}`,
              () => ask(verb, reason, forS),
            );
            onDone?.(verb);
          }}
        >
          <p className="soft">{AGENT_VERBS[verb].means}</p>
          {names.length > 1 ? (
            <p className="small">
              {names.slice(0, 8).join(", ")}
              {names.length > 8 ? ` and ${names.length - 8} more` : ""}
            </p>
          ) : null}
        </ReasonDialog>
      ) : null}
    </div>
  );
}
