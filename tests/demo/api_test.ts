import "../strict.ts";
import assert from "node:assert/strict";
import { Api } from "../../demo/api.ts";
import { aTask } from "./task.ts";

interface Call {
  path: string;
  // deno-lint-ignore no-explicit-any
  body: any;
}

async function against(answer: (call: Call) => Response, use: (api: Api) => Promise<void>): Promise<Call[]> {
  const calls: Call[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const call = { path: pathname + search, body: request.method === "POST" ? await request.json() : null };
    calls.push(call);
    return answer(call);
  });
  try {
    await use(new Api(`http://127.0.0.1:${server.addr.port}`));
  } finally {
    await server.shutdown();
  }
  return calls;
}

const inputs = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `${i}.txt` }));

function answerSubmit({ path, body }: Call): Response {
  if (path === "/v1/groups") return Response.json({ id: "group" }, { status: 202 });
  const tasks = body.tasks.map(({ input }: { input: { path: string } }) => ({ id: input.path }));
  return Response.json({ tasks, groupId: body.group ? "batch group" : null }, { status: 202 });
}

Deno.test("submitAll() submits up to a thousand tasks as one batch that is a group", async () => {
  const calls = await against(answerSubmit, async (api) => {
    assert.equal(await api.submitAll("digest", inputs(1_000)), "batch group");
  });
  assert.equal(calls.length, 1);
  assert.equal(calls[0].body.tasks[999].input.path, "999.txt");
});

Deno.test("submitAll() submits more than a thousand in batches, and makes one group of all", async () => {
  const calls = await against(answerSubmit, async (api) => {
    assert.equal(await api.submitAll("digest", inputs(2_001)), "group");
  });
  const sizes = calls.map(({ body }) => body.tasks?.length ?? body.ids.length);
  assert.deepEqual(sizes, [1_000, 1_000, 1, 2_001]);
  assert.deepEqual(calls[3].body.ids, inputs(2_001).map(({ path }) => path));
});

Deno.test("run() asks until the task has ended", async () => {
  const running = aTask({ id: "7", finishedAt: null });
  const answers = [running, running, aTask({ id: "7", result: 3 })];
  const calls = await against(() => Response.json(answers.shift()), async (api) => {
    assert.equal((await api.run("tally", { digests: [] })).result, 3);
  });
  assert.deepEqual(calls.map(({ path }) => path), [
    "/v1/tasks",
    "/v1/tasks/7?wait=60",
    "/v1/tasks/7?wait=60",
  ]);
});

Deno.test("an answer that is a problem becomes an error with its detail", async () => {
  const refuse = () => Response.json({ status: 413, detail: "the input is too large" }, { status: 413 });
  await against(refuse, (api) =>
    assert.rejects(api.run("tally", {}), {
      message: "/v1/tasks was answered with 413: the input is too large",
    }).then(() => {}));
});
