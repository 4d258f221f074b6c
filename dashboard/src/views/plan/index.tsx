/** The fleet plan: changed as a form or as JSON, checked as one types, looked ahead, applied, and gone back to. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { plan } from "../../api/endpoints";
import { useMay } from "../../api/session";
import type { Json } from "../../api/types";
import { plural } from "../../format/numbers";
import { useFleet } from "../../live/hooks";
import { Empty, Fault, Loading } from "../../ui/empty";
import { Glyph } from "../../ui/glyph";
import { When } from "../../ui/when";
import { ApplyDialog } from "./apply";
import { useDraft } from "./draft";
import { JsonEditor } from "./editor";
import { PlanForm } from "./form";
import { History } from "./history";
import "./plan.css";
import { Preview } from "./preview";
import { Week } from "./week";

type Tab = "edit" | "week" | "history";
const TABS: ReadonlyArray<readonly [Tab, string]> = [
  ["edit", "Form and JSON"],
  ["week", "Week"],
  ["history", "History"],
];

export default function PlanView() {
  const version = useFleet((fleet) => fleet.summary?.plan_version ?? 0);
  const inForce = useQuery({
    queryKey: ["plan", "whole", version],
    queryFn: plan.show,
    placeholderData: (before) => before,
  });
  if (!inForce.data)
    return inForce.error ? (
      <Fault error={inForce.error} retry={() => inForce.refetch()} />
    ) : (
      <Loading what="the plan" />
    );
  const { data, etag } = inForce.data;
  return (
    <Editor
      document={data.plan as Json}
      version={data.version}
      etag={etag ?? `"v${data.version}"`}
      author={data.author}
      at={data.at}
      comment={data.comment}
    />
  );
}

function Editor({
  document,
  version,
  etag,
  author,
  at,
  comment,
}: {
  document: Json;
  version: number;
  etag: string;
  author: string;
  at: string;
  comment: string;
}) {
  const draft = useDraft(document, version);
  const [tab, setTab] = useState<Tab>("edit");
  const [previewing, setPreviewing] = useState(false);
  const [applying, setApplying] = useState(false);
  const may = useMay("admin");
  const errors = draft.problems.filter((problem) => problem.severity === "error").length;
  const warnings = draft.problems.length - errors;
  const shown = draft.document ?? document;
  return (
    <div className="plan-view">
      <div className="view-head">
        <h1>Plan</h1>
        <span className="soft small">
          v{version} by {author}, <When iso={at} />
          {comment ? ` · ${comment}` : ""}
        </span>
        <span className="grow" />
        <div className="segments" role="radiogroup" aria-label="How the plan is shown">
          {TABS.map(([key, name]) => (
            <button
              key={key}
              type="button"
              role="radio"
              aria-checked={tab === key}
              className="button"
              onClick={() => setTab(key)}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      {tab === "history" ? (
        <History version={version} />
      ) : tab === "week" ? (
        <Week document={shown} />
      ) : (
        <div className="plan-columns">
          <section className="panel plan-form" aria-label="The plan as a form">
            {draft.document ? (
              <PlanForm
                document={draft.document}
                problems={draft.problems}
                set={draft.set}
                disabled={!may}
              />
            ) : (
              <Empty title="The text is no JSON">The form comes back when it is.</Empty>
            )}
          </section>
          <section className="panel plan-json" aria-label="The plan as JSON">
            <JsonEditor
              text={draft.text}
              onChange={draft.setText}
              problems={draft.problems}
              readOnly={!may}
            />
          </section>
        </div>
      )}
      {draft.problems.length > 0 && tab === "edit" ? (
        <ul className="plan-problems small" aria-label="Problems">
          {draft.problems.map((problem) => (
            <li key={`${problem.path}${problem.message}`} className={problem.severity}>
              <Glyph shape={problem.severity === "error" ? "cross" : "triangle"} size={11} />
              <code>{problem.path || "the plan"}</code> {problem.message}
              {problem.suggestion ? <span className="soft"> ({problem.suggestion})</span> : null}
            </li>
          ))}
        </ul>
      ) : null}
      {draft.isChanged ? (
        <section className="plan-bar" aria-label="Changes">
          <strong>Changed, not applied</strong>
          <span className={errors ? "bad-text" : "soft"} aria-live="polite">
            {errors
              ? plural(errors, "error")
              : draft.isChecked
                ? `no error${warnings ? `, ${plural(warnings, "warning")}` : ""}`
                : "checking …"}
          </span>
          <span className="grow" />
          <button type="button" className="button plain" onClick={draft.discard}>
            Discard
          </button>
          <button
            type="button"
            className="button"
            disabled={errors > 0 || !draft.document}
            onClick={() => setPreviewing(true)}
          >
            Preview
          </button>
          <button
            type="button"
            className="button primary"
            disabled={!may || errors > 0 || !draft.isChecked}
            title={may ? undefined : "Applying a plan needs an admin's token"}
            onClick={() => setApplying(true)}
          >
            Apply …
          </button>
        </section>
      ) : null}
      {previewing && draft.document ? (
        <Preview document={draft.document} onClose={() => setPreviewing(false)} />
      ) : null}
      {applying && draft.document ? (
        <ApplyDialog
          document={draft.document}
          version={version}
          etag={etag}
          onClose={() => setApplying(false)}
        />
      ) : null}
    </div>
  );
}
