import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, type Service } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";
import { missing, promtool } from "../../support/promtool.ts";
import { skippedIf } from "../../support/skip.ts";

/** A service in which of everything that is counted something has happened. */
async function busyService(): Promise<Service> {
  const service = await aService();
  await service.run("add", { a: 1, b: 2 });
  await service.run("fail", { message: "no" }, { retry: { maxAttempts: 2, delayMs: 0 } });
  await service.submit("add", { a: 1, b: 2 }, { queue: "gpu", delayMs: 600_000 });
  await service.submit("add", { a: 1, b: 2 }, { concurrency: { key: "secret-key", limit: 0 } });
  const yearly = { task: "add", input: { a: 1, b: 2 }, spec: [{ cron: "@yearly" }] };
  assert.equal((await service.send("PUT", "/v1/schedules/yearly", yearly)).status, 201);
  const fired = await service.post("/v1/schedules/yearly/trigger");
  await service.ended(fired.body.id);
  return service;
}

async function metricsOf(service: Service, headers = {}): Promise<string> {
  const { status, text, headers: told } = await service.get("/metrics", { headers });
  assert.equal(status, 200, text);
  assert.equal(told.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return text;
}

function valueOf(text: string, name: string): number {
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  assert.ok(line, `no ${name} in\n${text}`);
  return Number(line.slice(name.length + 1));
}

Deno.test("the metrics count what happened, in the names that are documented", async () => {
  await using service = await busyService();
  const text = await metricsOf(service);
  const expected: Record<string, number> = {
    'errand_tasks_submitted_total{task="add",queue="default"}': 3,
    'errand_tasks_submitted_total{task="add",queue="gpu"}': 1,
    'errand_tasks_ended_total{task="add",queue="default",state="COMPLETED"}': 2,
    'errand_tasks_ended_total{task="fail",queue="default",state="FAILED"}': 1,
    'errand_attempts_total{task="fail",outcome="retried"}': 1,
    'errand_attempts_total{task="fail",outcome="failed"}': 1,
    'errand_task_wait_seconds_count{task="fail"}': 2,
    'errand_task_run_seconds_bucket{task="add",le="+Inf"}': 2,
    'errand_tasks{queue="gpu",state="scheduled"}': 1,
    'errand_tasks{queue="default",state="limited"}': 1,
    'errand_limited_total{rule="concurrency"}': 1,
    'errand_schedule_lateness_seconds_count{task="add"}': 1,
    'errand_slots{state="busy"}': 0,
    'errand_slots{state="free"}': 200,
    errand_workers: 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(valueOf(text, name), value, name);
  assert.ok(valueOf(text, 'errand_kv_commits_total{outcome="applied"}') >= 5);
  assert.equal(
    valueOf(text, "errand_kv_commit_seconds_count"),
    valueOf(text, 'errand_kv_commits_total{outcome="applied"}') +
      valueOf(text, 'errand_kv_commits_total{outcome="conflict"}'),
  );
  assert.doesNotMatch(text, /secret-key/);
  const families = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const page = Deno.readTextFileSync(new URL("../../../docs/operating/observe.md", import.meta.url));
  const documented = [...page.matchAll(/^\| `(errand_[^|]+)\|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/errand_\w+/g)].map(([name]) => name)
  );
  assert.deepEqual(families.toSorted(), documented.toSorted());
});

Deno.test({
  ...skippedIf(missing, "promtool finds nothing to say about the metrics, and takes the alert rules"),
  fn: async () => {
    await using service = await busyService();
    assert.deepEqual(promtool(["check", "metrics"], await metricsOf(service)), { ok: true, output: "" });
    const rules = new URL("../../../deploy/grafana/alerts.yaml", import.meta.url).pathname;
    const checked = promtool(["check", "rules", rules])!;
    assert.ok(checked.ok, checked.output);
  },
});

Deno.test("the dashboard and the alert rules use names and labels that there are, and no others", async () => {
  await using service = await busyService();
  const text = await metricsOf(service);
  const folder = new URL("../../../deploy/grafana/", import.meta.url);
  const dashboard = JSON.parse(Deno.readTextFileSync(new URL("dashboard.json", folder)));
  const alerts = Deno.readTextFileSync(new URL("alerts.yaml", folder));
  const used: string[] = [
    ...dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr)
    ),
    ...alerts.matchAll(/expr: (?:>-\s+)?([\s\S]*?)\n\s+(?:for|labels):/g).map(([, expr]) => expr),
  ];
  assert.ok(used.length > 20, `${used.length} expressions`);
  const labelsOf = new Map<string, Set<string>>();
  for (const [, name, labels = ""] of text.matchAll(/^(errand_\w+)(?:\{(.*)\})? /gm)) {
    const known = labelsOf.get(name) ?? new Set();
    labelsOf.set(name, known);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label);
  }
  const wrong = used.flatMap((expr) => {
    const names = [...expr.matchAll(/errand_\w+/g)].map(([name]) => name);
    const labels = [
      ...[...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, list]) =>
        list.split(",").map((one: string) => one.trim())
      ),
      ...[...expr.matchAll(/(\w+)=~?"/g)].map(([, label]) => label),
    ];
    const unknown = names.filter((name) => !labelsOf.has(name));
    const without = labels.filter((label) => !names.some((name) => labelsOf.get(name)?.has(label)));
    return names.length === 0 ? [expr] : [...unknown, ...without].map((what) => `${what} in ${expr}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("a tenant's metrics are of its tasks, without those of the process; a key needs read", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const keyed = async (more: object) => {
    const { body, text } = await service.post("/v1/keys", more, boss);
    assert.ok(body.secret, text);
    return { authorization: `Bearer ${body.secret}` };
  };
  const acme = await keyed({ name: "acme", scopes: ["submit", "read"], tenant: "acme" });
  const writer = await keyed({ name: "writer", scopes: ["submit"] });
  await service.post("/v1/tasks", { task: "echo", input: { value: 1 } }, boss);
  await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, { headers: acme });
  const own = await metricsOf(service, acme);
  assert.match(own, /^errand_tasks_submitted_total\{task="add",queue="default"\} 1$/m);
  assert.doesNotMatch(own, /echo|errand_kv|errand_workers|errand_slots|acme/);
  const all = await metricsOf(service, boss.headers);
  assert.match(all, /echo/);
  assert.doesNotMatch(all, /acme/);
  assert.equal((await service.get("/metrics", { headers: writer })).status, 403);
});
