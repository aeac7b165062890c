// Which states a list shows. They are in the address.

import { setQuery } from "../data/route.ts";

interface Props<State extends string> {
  all: readonly State[];
  nameOf(state: State): string;
  /** As `FAILED,CRASHED`; empty: all of them. */
  chosen: string;
}

export function StateFilter<State extends string>({ all, nameOf, chosen }: Props<State>) {
  const states = chosen.split(",").filter((each) => each !== "");
  const toggle = (state: string) => {
    const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state];
    setQuery({ state: next.join(",") });
  };
  return (
    <div class="states" role="group" aria-label="States">
      {all.map((type) => (
        <button
          key={type}
          type="button"
          aria-pressed={states.includes(type)}
          class={`state ${type.toLowerCase()}`}
          onClick={() => toggle(type)}
        >
          {nameOf(type)}
        </button>
      ))}
    </div>
  );
}
