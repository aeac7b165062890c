// Makes tasks of a call dependents of tasks and groups outside of it, when the call is stored over several
// commits.

import { endOf } from "../core/conditions.ts";
import { ConflictError } from "../core/errors.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { requireNotAbandoned } from "../dependencies/barrier.ts";
import { edgeBlocks, edgeWrite, groupEdgeWrite } from "../dependencies/edges.ts";
import { keys } from "../platform/keys.ts";
import { barrierId } from "../platform/outbox_subject.ts";
import type { Following } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import type { DependencyGraph } from "./dependency_graph.ts";

interface Call {
  firstId: string;
  /** Among them the barrier, which each try of the call raises anew: only the last one writes blocks. */
  checks: Deno.AtomicCheck[];
}

const UPSTREAMS_AT_ONCE = 20;

/**
 * @throws {ConflictError} if an upstream was deleted meanwhile, or the call was given up or resumed by
 * another one.
 */
export async function attachExternal(
  store: Store,
  { external, groups }: Pick<DependencyGraph, "external" | "groups">,
  firstId: string,
  checks: Deno.AtomicCheck[],
): Promise<void> {
  const upstreams = [...external];
  for (let at = 0; at < upstreams.length; at += UPSTREAMS_AT_ONCE) {
    await Promise.all(
      upstreams.slice(at, at + UPSTREAMS_AT_ONCE).map(async ([upstream, dependents]) => {
        for (const [n, ids] of edgeBlocks(store.kv.limits, dependents).entries()) {
          const follows = groups.get(upstream);
          const call = { firstId, checks };
          if (follows) {
            await attachToGroup(store, new Map([[upstream, follows]]), `${firstId}.${n}`, ids, call);
          } else await attach(store, upstream, `${firstId}.${n}`, ids, call);
        }
      }),
    );
  }
}

/** Idempotent. An upstream that has ended is counted at once. */
async function attach(
  store: Store,
  upstream: string,
  block: string,
  ids: string[],
  call: Call,
): Promise<void> {
  const key = keys.edge(upstream, block);
  while ((await store.kv.get(key)).versionstamp === null) {
    const entry = await store.read(upstream);
    if (!entry || isForgotten(entry.record)) {
      throw new ConflictError(`task ${bare(upstream)} was deleted meanwhile`);
    }
    const is = endOf((entry as Entry).record);
    const applied = await store.commit("submit", [
      { before: entry, next: { ...entry.record, followed: true } },
    ], {
      checks: call.checks,
      writes: [edgeWrite(upstream, block, ids, is)],
      counterSteps: is === null ? [] : ids.map((dependent) => ({ dependent, upstream, was: null, is })),
    });
    if (applied) return;
    await requireStill(store, call);
  }
}

/** Idempotent. The outbox tells them how it has ended, if it has. */
async function attachToGroup(
  store: Store,
  follows: ReadonlyMap<string, Following>,
  block: string,
  ids: string[],
  call: Call,
): Promise<void> {
  const [group] = follows.keys();
  const { key, value } = groupEdgeWrite(group, block, ids);
  while ((await store.kv.get(key)).versionstamp === null) {
    const checks = [...call.checks, { key, versionstamp: null }];
    if (await store.commit("submit", [], { checks, writes: [{ key, value }], follows })) return;
    await requireStill(store, call);
  }
}

async function requireStill(store: Store, { firstId, checks }: Call): Promise<void> {
  await requireNotAbandoned(store, barrierId(firstId));
  const now = await store.kv.getMany(checks.map(({ key }) => key));
  if (now.some(({ versionstamp }, i) => versionstamp !== checks[i].versionstamp)) {
    throw new ConflictError("another call with this idempotency key took it up");
  }
}
