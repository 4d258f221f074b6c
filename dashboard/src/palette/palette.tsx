/** The command palette: any view, agent or task by a few letters, and the acts that need no selection. */
import { Command } from "cmdk";
import { useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { tasks as endpoint } from "../api/endpoints";
import { useMay } from "../api/session";
import type { Task } from "../api/types";
import { useFleet } from "../live/hooks";
import { agentPath, PLACES, taskPath } from "../routes";
import { useShell } from "../shell/context";
import { AgentBadge, TaskBadge } from "../ui/badge";
import { Icon } from "../ui/icon";
import { Modal } from "../ui/modal";
import { useTyping } from "../ui/typing";
import "./palette.css";

const SHOWN = 8;

export default function Palette({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  const shell = useShell();
  const may = useMay("operate");
  const agents = useFleet((fleet) => fleet.agents);
  const [asked, ask] = useState("");
  const [text, setText] = useTyping(asked, (typed) => ask(typed.trim().toLowerCase()));
  const [found, setFound] = useState<readonly Task[]>([]);
  const needle = text.trim().toLowerCase();

  useEffect(() => {
    if (asked.length < 2) {
      setFound([]);
      return;
    }
    const stop = new AbortController();
    endpoint.list({ q: asked }, 0, SHOWN, stop.signal).then(
      (page) => setFound(page.items),
      () => undefined, // the rest of the palette works without the server
    );
    return () => stop.abort();
  }, [asked]);

  const near = useMemo(
    () =>
      needle
        ? [...agents.values()]
            .filter((one) => one.name.toLowerCase().includes(needle))
            .slice(0, SHOWN)
        : [],
    [agents, needle],
  );
  const places = PLACES.filter((one) => one.name.toLowerCase().includes(needle));
  const go = (path: string) => {
    onClose();
    navigate(path);
  };
  return (
    <Modal title="Find or do" onClose={onClose} className="palette">
      <Command shouldFilter={false} label="Find or do">
        <Command.Input
          data-first
          value={text}
          onValueChange={setText}
          placeholder="A view, an agent, a task, an act …"
        />
        <Command.List>
          <Command.Empty>Nothing is called that.</Command.Empty>
          {near.length ? (
            <Command.Group heading="Agents">
              {near.map((one) => (
                <Command.Item
                  key={one.name}
                  value={`agent ${one.name}`}
                  onSelect={() => go(agentPath(one.name))}
                >
                  <Icon name="fleet" size={16} /> <span className="grow clip">{one.name}</span>
                  <AgentBadge status={one.status} suspect={one.suspect} />
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          {found.length ? (
            <Command.Group heading="Tasks">
              {found.map((one) => (
                <Command.Item
                  key={one.id}
                  value={`task ${one.id}`}
                  onSelect={() => go(taskPath(one.id))}
                >
                  <Icon name="tasks" size={16} /> <span className="grow clip">{one.name}</span>
                  <TaskBadge status={one.status} />
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          {places.length ? (
            <Command.Group heading="Views">
              {places.map((one) => (
                <Command.Item
                  key={one.path}
                  value={`view ${one.name}`}
                  onSelect={() => go(one.path)}
                >
                  <Icon name={one.icon} size={16} /> <span className="grow">{one.name}</span>
                  <kbd>g</kbd>
                  <kbd>{one.key}</kbd>
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          {may && (!needle || "create a task register an agent".includes(needle)) ? (
            <Command.Group heading="Acts">
              <Command.Item
                value="act create"
                onSelect={() => {
                  onClose();
                  shell.open("create");
                }}
              >
                <Icon name="plus" size={16} /> Create a task
              </Command.Item>
              <Command.Item
                value="act register"
                onSelect={() => {
                  onClose();
                  shell.open("register");
                }}
              >
                <Icon name="plus" size={16} /> Register an agent
              </Command.Item>
            </Command.Group>
          ) : null}
        </Command.List>
      </Command>
    </Modal>
  );
}
