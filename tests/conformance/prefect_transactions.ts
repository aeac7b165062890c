// Prefect's transactions, as far as they have a meaning between tasks: what takes back what was done.

import assert from "node:assert/strict";
import { chain, group, sig } from "../../client/mod.ts";
import type { GroupFuture } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import type { Row } from "./row.ts";

export const TRANSACTIONS = "Prefect docs, Transactions";
const HOOKS = "Prefect docs, State change hooks";

const BY = "compensate: what takes a task back is a task of its own, and the transaction is a group";

/** Gives back what it is told of the task that it takes back. */
const undo = sig("echo", undefined, { into: "value" });
const step = (value: string) => sig("echo", { value }, { compensate: undo, immutable: true });
const breaks = sig("fail", { message: "no luck" }, { immutable: true });

/** What was taken back, in the order in which it was. */
async function takenBack(errand: Errand, flow: GroupFuture<unknown, unknown>): Promise<unknown[]> {
  const { compensation } = await flow.outcome();
  if (compensation === null) return [];
  assert.deepEqual([compensation.failed, compensation.done], [0, compensation.total]);
  const results = await errand.group(compensation.groupId!).results();
  return (results as { result: unknown }[]).map(({ result }) => result);
}

export const transactions: Row[] = [
  {
    promise: "on_rollback",
    source: HOOKS,
    by: BY,
    test: async (errand) => {
      const flow = await errand.run(chain(step("written"), breaks));
      assert.deepEqual(await takenBack(errand, flow), ["written"]);
      // Not for the task that failed itself.
      const failed = await errand.run(
        chain(sig("fail", { message: "no luck" }, { compensate: undo, immutable: true })),
      );
      assert.deepEqual(await takenBack(errand, failed), []);
    },
  },
  {
    promise: "BEGIN, STAGE, COMMIT, ROLLBACK",
    source: TRANSACTIONS,
    by: BY,
    test: async (errand) => {
      const committed = await errand.run(chain(step("first"), step("second")));
      assert.equal((await committed.outcome()).state, "COMPLETED");
      assert.deepEqual(await takenBack(errand, committed), []);
      const rolledBack = await errand.run(chain(step("first"), step("second"), breaks));
      assert.equal((await rolledBack.outcome()).state, "FAILED");
      assert.deepEqual(await takenBack(errand, rolledBack), ["second", "first"]);
    },
  },
  {
    promise: "nested ones are rolled back together",
    source: TRANSACTIONS,
    by: "the elements of a flow, however nested, are one group",
    test: async (errand) => {
      const flow = await errand.run(chain(
        step("outer"),
        group(chain(step("inner"), group(step("innermost")))),
        breaks,
      ));
      assert.deepEqual(await takenBack(errand, flow), ["innermost", "inner", "outer"]);
    },
  },
];
