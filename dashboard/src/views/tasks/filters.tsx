/** Search, status, priority, mode, agent, reason; and filters saved under a name. */
import { useState } from "react";
import { useModes } from "../../act/create-task";
import type { Priority, TaskStatus } from "../../api/types";
import { count } from "../../format/numbers";
import { reason } from "../../format/words";
import { useFleet } from "../../live/hooks";
import { useRemembered } from "../../shell/remembered";
import { Glyph } from "../../ui/glyph";
import { Icon } from "../../ui/icon";
import { TASK } from "../../ui/looks";
import { useTyping } from "../../ui/typing";
import { type Filter, isEmpty, NO_FILTER, read, write } from "./filter";

const STATUSES: readonly TaskStatus[] = [
  "pending",
  "running",
  "paused",
  "completed",
  "failed",
  "cancelled",
];
const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low", "maintenance"];
function Search({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useTyping(value, onChange);
  return (
    <input
      type="search"
      className="input search"
      aria-label="Search tasks (/)"
      placeholder="Search name, id …  ( / )"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function Pick({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      className="input pick"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{label}: any</option>
      {options.map((one) => (
        <option key={one} value={one}>
          {one.replaceAll("_", " ")}
        </option>
      ))}
    </select>
  );
}

export function Filters({
  filter,
  change,
  replace,
}: {
  filter: Filter;
  change: (part: Partial<Filter>) => void;
  replace: (whole: Filter) => void;
}) {
  const byStatus = useFleet((fleet) => fleet.summary?.tasks_by_status);
  const modes = useModes();
  const toggle = (status: string) =>
    change({
      status: filter.status.includes(status)
        ? filter.status.filter((one) => one !== status)
        : [...filter.status, status],
    });
  return (
    <div className="filters">
      <Search value={filter.q} onChange={(q) => change({ q })} />
      <fieldset className="row wrap" aria-label="Status">
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className="button small"
            aria-pressed={filter.status.includes(status)}
            onClick={() => toggle(status)}
          >
            <Glyph shape={TASK[status].shape} size={10} /> {status}
            <span className="faint num">{count(byStatus?.[status] ?? 0)}</span>
          </button>
        ))}
      </fieldset>
      <Pick
        label="Priority"
        value={filter.priority[0] ?? ""}
        options={PRIORITIES}
        onChange={(one) => change({ priority: one ? [one] : [] })}
      />
      <Pick
        label="Mode"
        value={filter.mode[0] ?? ""}
        options={modes}
        onChange={(one) => change({ mode: one ? [one] : [] })}
      />
      {filter.agent ? (
        <Narrowed text={`on ${filter.agent}`} onClear={() => change({ agent: "" })} />
      ) : null}
      {filter.blocked_by ? (
        <Narrowed text={reason(filter.blocked_by)} onClear={() => change({ blocked_by: "" })} />
      ) : null}
      <span className="grow" />
      <Saved filter={filter} replace={replace} />
    </div>
  );
}

function Narrowed({ text, onClear }: { text: string; onClear: () => void }) {
  return (
    <button
      type="button"
      className="button small"
      aria-pressed="true"
      onClick={onClear}
      title="Take this filter away"
    >
      {text} <Icon name="close" size={12} />
    </button>
  );
}

interface SavedFilter {
  name: string;
  query: string;
}

const BUILT_IN: readonly SavedFilter[] = [
  { name: "Waiting and running", query: "status=pending&status=running" },
  { name: "Failed", query: "status=failed" },
  { name: "No agent can do it", query: "status=pending&blocked_by=NO_CAPABLE_AGENT" },
  { name: "Critical and high", query: "priority=critical&priority=high" },
];

function Saved({ filter, replace }: { filter: Filter; replace: (whole: Filter) => void }) {
  const [saved, setSaved] = useRemembered<readonly SavedFilter[]>("task-filters", []);
  const [naming, setNaming] = useState(false);
  const query = write(filter).toString();
  const all = [...BUILT_IN, ...saved];
  const here = all.find((one) => one.query === query);
  const mine = saved.some((one) => one.query === query);
  if (naming) {
    return (
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
          if (name) setSaved([...saved.filter((one) => one.name !== name), { name, query }]);
          setNaming(false);
        }}
      >
        <input
          className="input pick"
          name="name"
          aria-label="Name of the filter"
          placeholder="Name of the filter"
          // biome-ignore lint/a11y/noAutofocus: it appears because its button was pressed
          autoFocus
          maxLength={40}
        />
        <button type="submit" className="button small">
          Save
        </button>
        <button type="button" className="button plain small" onClick={() => setNaming(false)}>
          Cancel
        </button>
      </form>
    );
  }
  return (
    <div className="row">
      <select
        className="input pick"
        aria-label="Saved filters"
        value={here?.name ?? ""}
        onChange={(event) => {
          const found = all.find((one) => one.name === event.target.value);
          replace(found ? read(new URLSearchParams(found.query)) : NO_FILTER);
        }}
      >
        <option value="">
          {isEmpty(filter) ? "All tasks" : here ? "All tasks" : "Filter, not saved"}
        </option>
        {all.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
      {mine ? (
        <button
          type="button"
          className="button plain small"
          onClick={() => setSaved(saved.filter((one) => one.query !== query))}
        >
          Forget
        </button>
      ) : !here && !isEmpty(filter) ? (
        <button type="button" className="button small" onClick={() => setNaming(true)}>
          Save filter
        </button>
      ) : null}
    </div>
  );
}
