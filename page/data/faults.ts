// What the service finds wrong with what was sent, by where.

import type { CallError } from "./api.ts";

export type Faults = ReadonlyMap<string, string>;

export const NO_FAULTS: Faults = new Map();

export function faultsOf(error: CallError): Faults {
  return new Map(error.faults.map(({ pointer, message }) => [pointer, message]));
}

/** Those of a part, by the pointers within it. */
export function faultsIn(faults: Faults, part: string): Faults {
  return new Map(
    [...faults].flatMap(([pointer, message]) =>
      pointer === part || pointer.startsWith(`${part}/`) ? [[pointer.slice(part.length), message]] : []
    ),
  );
}

/** In one line: what is wrong, but for the parts that say it themselves. */
export function textOf(error: CallError, shown: string[] = []): string {
  const others = error.faults.filter(({ pointer }) => !shown.some((part) => pointer.startsWith(part)));
  return [error.message, ...others.map(({ pointer, message }) => `${pointer} ${message}`)].join("; ");
}
