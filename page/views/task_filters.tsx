// The filters of the list of tasks. They are in the address.

import { useEffect, useState } from "preact/hooks";
import { hrefOf, setQuery } from "../data/route.ts";
import { STATE_TYPES } from "../data/answers.ts";
import { StateFilter } from "../ui/state_filter.tsx";
import { COLUMNS, columnsShown, toggleColumn } from "./task_row.tsx";

/** As `GET /v1/tasks` calls them. */
export const FILTERS = [
  "state",
  "task",
  "queue",
  "tag",
  "q",
  "groupId",
  "parentId",
  "createdAfter",
  "createdBefore",
  "finishedAfter",
  "finishedBefore",
];

const TEXTS: [name: string, title: string][] = [
  ["task", "Definition"],
  ["queue", "Queue"],
  ["tag", "Tag"],
  ["q", "Id or error"],
];
const TYPED_FOR_MS = 350;
const HOUR_MS = 60 * 60 * 1000;
const AGES: [title: string, ms: number][] = [["hour", HOUR_MS], [
  "day",
  24 * HOUR_MS,
], ["week", 7 * 24 * HOUR_MS]];

export function Filters({ filters }: { filters: Record<string, string> }) {
  const others = [
    "groupId",
    "parentId",
    "createdAfter",
    "createdBefore",
    "finishedAfter",
    "finishedBefore",
  ]
    .filter((name) => filters[name]);
  return (
    <div class="filters" role="group" aria-label="Filters">
      <StateFilter
        all={STATE_TYPES}
        nameOf={(type) => type[0] + type.slice(1).toLowerCase()}
        chosen={filters.state ?? ""}
      />
      <div class="texts">
        {TEXTS.map(([name, title]) => (
          <TextFilter
            key={name}
            name={name}
            title={title}
            value={filters[name] ?? ""}
          />
        ))}
        <label>
          <span class="hidden">Submitted</span>
          <select
            aria-label="Submitted"
            value=""
            onChange={(event) => {
              const ms = Number(event.currentTarget.value);
              setQuery({
                createdAfter: ms === 0 ? null : new Date(Date.now() - ms).toISOString(),
              });
            }}
          >
            <option value="">
              {filters.createdAfter ? "Since …" : "At any time"}
            </option>
            {filters.createdAfter && <option value="0">At any time</option>}
            {AGES.map(([title, ms]) => <option key={title} value={ms}>In the last {title}</option>)}
          </select>
        </label>
        <details class="columns">
          <summary>Columns</summary>
          <div class="menu">
            {COLUMNS.map(({ name, title }) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={columnsShown().some((column) => column.name === name)}
                  onChange={() => toggleColumn(name)}
                />
                {title}
              </label>
            ))}
          </div>
        </details>
        {Object.keys(filters).length > 0 && <a class="link" href={hrefOf("tasks")}>Clear</a>}
      </div>
      {others.length > 0 && (
        <div class="texts">
          {others.map((name) => (
            <span key={name} class="tag">
              {name} <bdi>{filters[name]}</bdi>
              <button
                type="button"
                class="plain"
                aria-label={`Without ${name}`}
                onClick={() => setQuery({ [name]: null })}
              >
                ×
              </button>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

function TextFilter(
  { name, title, value }: { name: string; title: string; value: string },
) {
  const [typed, setTyped] = useState(value);
  // It may be changed elsewhere: by a link, or the way back.
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(
      () => setQuery({ [name]: typed.trim() }),
      TYPED_FOR_MS,
    );
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      type="search"
      id={`filter-${name}`}
      aria-label={title}
      placeholder={title}
      value={typed}
      autoComplete="off"
      spellcheck={false}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
