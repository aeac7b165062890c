// Writes down every heartbeat, reaping and claim that this process commits, beside the engine and without a
// change to it: by what goes through Deno's own AtomicOperation. A line is written before the engine hears
// of the commit, and a claim has one ahead of its commit too, so no function runs under a lease that is not
// in the log.

import { decode } from "../../runtime/store/record_codec.ts";
import { isForgotten, stateOf } from "../../runtime/core/task.ts";
import { type Journal, now } from "./journal.ts";
import type { BeatLine, ClaimLine } from "./lines.ts";

type Noted = Pick<BeatLine, "is" | "worker"> | Pick<ClaimLine, "is" | "worker" | "id" | "token">;

export function observeLeases(journal: Journal): void {
  const atomic = Deno.AtomicOperation.prototype;
  const { check, set, delete: remove, commit } = atomic;
  const noted = new WeakMap<Deno.AtomicOperation, Noted[]>();
  const checked = new WeakSet<Deno.AtomicOperation>();
  const note = (operation: Deno.AtomicOperation, line: Noted) => {
    const lines = noted.get(operation);
    if (lines) lines.push(line);
    else noted.set(operation, [line]);
  };

  atomic.check = function (...checks) {
    if (checks.some(({ key }) => key[0] === "worker")) checked.add(this);
    return check.apply(this, checks);
  };
  atomic.set = function (key, value, options) {
    if (key[0] === "worker") note(this, { is: "beat", worker: String(key[1]) });
    const claim = key[0] === "task" ? claimIn(value as Uint8Array) : null;
    if (claim) note(this, claim);
    return set.call(this, key, value, options);
  };
  atomic.delete = function (key) {
    if (key[0] === "worker") {
      note(this, { is: checked.has(this) ? "reap" : "sign-off", worker: String(key[1]) });
    }
    return remove.call(this, key);
  };
  atomic.commit = async function () {
    const lines = noted.get(this) ?? [];
    const from = now();
    const write = (outcome: BeatLine["outcome"]) => {
      const to = now();
      for (const line of lines) {
        if (outcome === "sent" && line.is !== "claim") continue;
        journal.write({ ...line, pid: Deno.pid, from, to, outcome });
      }
    };
    write("sent");
    try {
      const result = await commit.call(this);
      write(result.ok ? "ok" : "conflict");
      return result;
    } catch (error) {
      write("error");
      throw error;
    }
  };
}

/** A record that has just become RUNNING; reports of a running task are written under the same lease. */
function claimIn(value: Uint8Array) {
  const record = decode(value);
  if (isForgotten(record) || record.lease === null) return null;
  const { type, seq, at, attempt } = stateOf(record);
  if (type !== "RUNNING" || seq !== record.seq) return null;
  return { is: "claim" as const, id: record.id, ...record.lease, attempt, seq, at };
}
