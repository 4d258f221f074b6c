/** What the list of tasks is narrowed to: kept in the address, so that it can be shared and gone back to. */
import { useMemo } from "react";
import { useSearchParams } from "wouter";
import type { TaskQuery } from "../../api/endpoints";
import type { Json } from "../../api/types";

export interface Filter {
  status: string[];
  priority: string[];
  mode: string[];
  agent: string;
  blocked_by: string;
  q: string;
  sort: string;
}

export const NO_FILTER: Filter = {
  status: [],
  priority: [],
  mode: [],
  agent: "",
  blocked_by: "",
  q: "",
  sort: "-created_at",
};

export function read(params: URLSearchParams): Filter {
  return {
    status: params.getAll("status"),
    priority: params.getAll("priority"),
    mode: params.getAll("mode"),
    agent: params.get("agent") ?? "",
    blocked_by: params.get("blocked_by") ?? "",
    q: params.get("q") ?? "",
    sort: params.get("sort") ?? NO_FILTER.sort,
  };
}

export function write(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of ["status", "priority", "mode"] as const)
    for (const one of filter[name]) params.append(name, one);
  for (const name of ["agent", "blocked_by", "q"] as const)
    if (filter[name]) params.set(name, filter[name]);
  if (filter.sort !== NO_FILTER.sort) params.set("sort", filter.sort);
  return params;
}

export function toQuery(filter: Filter): TaskQuery {
  const query: TaskQuery = { sort: filter.sort };
  for (const name of ["status", "priority", "mode"] as const)
    if (filter[name].length) query[name] = filter[name];
  for (const name of ["agent", "blocked_by", "q"] as const)
    if (filter[name]) query[name] = filter[name];
  return query;
}

/** The filter of a bulk act, which knows no order. */
export function toBody(filter: Filter): Json {
  const { sort: _sort, ...rest } = toQuery(filter);
  return { ...rest };
}

export function isEmpty(filter: Filter): boolean {
  return write({ ...filter, sort: NO_FILTER.sort }).toString() === "";
}

export function useFilter(): [Filter, (change: Partial<Filter>) => void, (filter: Filter) => void] {
  const [params, setParams] = useSearchParams();
  const text = params.toString();
  const filter = useMemo(() => read(new URLSearchParams(text)), [text]);
  return [
    filter,
    (change) => setParams(write({ ...filter, ...change }), { replace: true }),
    (whole) => setParams(write(whole)),
  ];
}
