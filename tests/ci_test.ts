import "./support/sanitizers.ts";
import assert from "node:assert/strict";

const root = new URL("../", import.meta.url);
const read = (file: string) => Deno.readTextFileSync(new URL(file, root));

interface Tasks {
  [name: string]: { command: string };
}

/** The tasks that a task stands for, if it only runs others; else itself. */
function partsOf(name: string, tasks: Tasks): string[] {
  const commands = tasks[name].command.split(" && ");
  const others = commands.map((command) => /^deno task (\S+)$/.exec(command)?.[1]);
  return others.every((other) => other !== undefined)
    ? others.flatMap((other) => partsOf(other, tasks))
    : [name];
}

Deno.test("CI runs what deno task ok runs, in its order", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  const lines = read(".ci/run").matchAll(/^(?:"\$\{deno\[@\]\}" task|part) (\S+)$/gm);
  assert.deepEqual(Array.from(lines, ([, name]) => name), partsOf("ok", tasks));
});

Deno.test("each test is in one of the parts that deno task ok runs", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  // The first leaves out what the others run.
  assert.match(
    tasks.test.command,
    /--ignore='tests\/\*\*\/\*_long_test\.ts',tests\/process,tests\/remote tests$/,
  );
  assert.match(tasks["test:long"].command, / 'tests\/\*\*\/\*_long_test\.ts'$/);
  for (const folder of ["process", "remote"]) {
    assert.match(tasks[`test:${folder}`].command, new RegExp(` tests/${folder}$`));
  }
});
