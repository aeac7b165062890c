import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../../runtime/core/define.ts";
import { FunctionScope } from "../../../../runtime/worker/runners/function_scope.ts";
import { aService } from "../../../support/service.ts";

Deno.test("a function's scope ends with it: what the engine does for others by its occasion is not in it", async () => {
  const seen: (string | undefined)[] = [];
  const look = () => void seen.push(FunctionScope.current?.running.task);
  // A schema is the engine's to call, for each task.
  const input = z.unknown().transform((value) => {
    look();
    return value;
  });
  const child = define({ name: "child", input }, look);
  const parent = define({ name: "parent", input: z.unknown() }, async ({ submit, log, progress, emit }) => {
    look();
    log("1");
    progress(1);
    emit(1);
    await (await submit(child, 1)).result();
    look();
  });
  await using service = await aService({ definitions: [child, parent] });
  await service.run("parent", null);
  await service.run("child", null);
  const ofParent = seen.filter((task) => task === "parent").length;
  assert.equal(ofParent, 2);
  // Two runs of the child; its schema was called outside, at the submit and at the start of each.
  assert.equal(seen.filter((task) => task === "child").length, 2);
  assert.ok(seen.filter((task) => task === undefined).length >= 4, seen.join());
});

Deno.test("a scope names its attempt and refers to nothing else: what it refers to stays until a full garbage collection", async () => {
  const seen: unknown[] = [];
  const look = define({ name: "look", input: z.unknown() }, ({ task }) => {
    const { running } = FunctionScope.current!;
    seen.push([task.id, { ...running }]);
  });
  await using service = await aService({ definitions: [look] });
  const { id } = await service.run("look", null);
  assert.deepEqual(seen, [[id, { task: "look", id, attempt: 1 }]]);
});
