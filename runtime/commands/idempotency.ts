// A call that is made again under its idempotency key: what the key's record says, and what follows from that alone.

import { type Checked, draftOf } from "./prepare.ts";
import { ConflictError } from "../core/errors.ts";
import { memberOf, moved } from "../core/id_range.ts";
import type { Entry } from "../core/task.ts";
import { submitted } from "../core/transitions.ts";
import { dependencyGraphOf } from "./dependency_graph.ts";

export interface IdemRecord {
  fingerprint: string;
  /** Of the family of ids that were drawn for the call. */
  root: string;
  groupId: string | null;
  createdAt: number;
  /** False while a call of several commits is under way, or was cut off. */
  complete: boolean;
  /** Who works at it: of two that took it up, only the last one goes on. */
  by: string;
}

/** What is known of a call's idempotency key before it is stored. */
export interface Idem {
  guard: Deno.AtomicCheck;
  fingerprint: string;
  /** A call that was cut off between its commits: what it had decided. */
  resumed: { root: string; groupId: string | null } | null;
}

export function underWay(key: string): ConflictError {
  return new ConflictError(
    `a call with the idempotency key "${key}" is still under way`,
    "/header/idempotency-key",
  );
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export function idsOf(checked: Checked[], root: string): string[] {
  return checked.map(({ submission }, i) => submission.id ?? memberOf(root, i));
}

/** A repeat of a call whose ids were drawn for it goes by the ids that the first one drew. */
export function renamed(checked: Checked[], from: string | undefined, to: string): Checked[] {
  if (from === undefined || from === to) return checked;
  const nameOf = (id: string) => moved(id, from, to, checked.length);
  return checked.map(({ submission, references, input, ...rest }) => ({
    ...rest,
    submission: {
      ...submission,
      id: nameOf(submission.id!),
      options: { ...submission.options, waitFor: submission.options?.waitFor?.map(nameOf) },
    },
    references: references.map(({ task, path }) => ({ task: nameOf(task), path })),
    input: references.length > 0 ? input.replace(UUID, nameOf) : input,
  }));
}

/** The same call gives the same first answer, whatever has become of the tasks since. */
export function firstAnswer(checked: Checked[], { root, groupId, createdAt }: IdemRecord): Entry[] {
  const groups = groupId === null ? [] : [groupId];
  const ids = idsOf(checked, root);
  const graph = dependencyGraphOf(checked, ids);
  return checked.map((one, i): Entry => {
    const draft = { ...draftOf(one, ids[i], createdAt, groups, i), input: { json: one.input } };
    const upstreams = graph?.upstreams[i] ?? [];
    if (upstreams.length > 0) {
      draft.deps = {
        upstreams: { json: JSON.stringify(upstreams) },
        total: upstreams.length,
        waitFor: graph!.waitFor[i],
        allowFailure: one.submission.options?.allowFailure ?? false,
        released: false,
      };
    }
    return { record: submitted(draft, createdAt), versionstamp: "" };
  });
}
