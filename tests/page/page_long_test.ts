// The page for operators in a browser: each action, trouble, and values that would do harm.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aKey } from "../support/api_keys.ts";
import { browserTest } from "../support/browser.ts";
import { Folder } from "../support/folder.ts";
import { fill, HTML, PageService, RTL } from "../support/page_service.ts";
import { open, signIn, titled } from "./opened.ts";

browserTest(
  "what can be done can be done here: cancel, retry, rerun, delete, pause, trigger, submit, limit, keys",
  async (page) => {
    const ann = aKey(["admin"], "ann");
    await using service = await PageService.with({ keys: [ann] });
    const made = await fill(service);
    const { faults, goto } = await open(page, service, ann);
    const confirm = (name: string) => page.getByRole("dialog").getByRole("button", { name }).click();
    const said = (text: string | RegExp) => page.locator(".notice").getByText(text).first().waitFor();

    await goto(`tasks/${made.running}`);
    await page.getByRole("button", { name: "Cancel…" }).click();
    await page.getByLabel("Reason").fill("wrong clip");
    await confirm("Cancel it");
    await said("Asked to stop");
    await page.getByText("Cancelled").first().waitFor();
    await page.getByText("wrong clip").first().waitFor();

    await goto(`tasks/${made.failed}`);
    await page.getByRole("button", { name: "Retry…" }).click();
    await page.getByRole("dialog").getByLabel("Input").fill('{"order": 4321}');
    await confirm("Retry");
    await page.getByText("order 4321: the gateway").first().waitFor();

    await page.getByRole("button", { name: "Rerun…" }).click();
    await page.getByRole("dialog").getByLabel("Input").fill('{"order": ');
    await confirm("Submit");
    await said(/is no JSON/);
    await page.getByRole("dialog").getByLabel("Input").fill('{"order": 5}');
    await confirm("Submit");
    await page.getByText("order 5: the gateway").first().waitFor();
    await page.getByRole("button", { name: "Delete…" }).click();
    await confirm("Delete it");
    await said("Deleted");

    await goto("queues");
    await page.getByRole("row", { name: "default" }).getByRole("button", { name: "Pause" }).click();
    await page.getByLabel("Note").fill("maintenance");
    await confirm("Pause");
    await page.getByRole("button", { name: "Resume the queue default" }).click();
    await said("Resumed the queue default");
    await page.getByRole("row", { name: "default" }).getByRole("button", { name: "Limit…" }).click();
    await page.locator("input[name=concurrency]").fill("15");
    await confirm("Set it");
    await page.getByText("of 15").waitFor();
    await page.getByRole("button", { name: "Resume the queue mail" }).click();
    assert.equal((await service.ended(made.waiting)).state.type, "COMPLETED");

    await goto("schedules/nightly-feeds");
    await page.getByRole("button", { name: "Trigger…" }).click();
    await confirm("Submit");
    await titled(page, "parse");

    await goto("definitions/resize");
    await page.getByLabel("url required").fill("nonsense");
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.locator(".field.wrong").waitFor();
    await page.getByLabel("url required").fill("https://img.example/by-hand.png");
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.getByText("fetching https://img.example/by-hand.png").waitFor();

    await goto("limits");
    await page.getByRole("button", { name: "New rule…" }).click();
    await page.getByLabel("Keys").fill("gpu");
    await page.locator("input[name=concurrency]").fill("3");
    await confirm("Set it");
    await page.getByRole("row", { name: "gpu" }).waitFor();

    await goto("keys");
    await page.getByRole("button", { name: "New key…" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("reader");
    await confirm("Make it");
    await page.getByText(/^errand_[\w-]{43}$/).waitFor();
    await page.getByRole("row", { name: "reader" }).getByRole("button", { name: "Revoke…" }).click();
    await confirm("Revoke it");
    await said("reader opens nothing any more");

    await goto("tasks?task=render-video&state=PENDING");
    await page.getByRole("row", { name: "render-video" }).first().waitFor();
    await page.getByRole("button", { name: "Act on all…" }).click();
    await page.getByRole("dialog").getByText("3 tasks").waitFor();
    await page.getByRole("dialog").getByLabel("Action").selectOption("priority");
    await page.getByLabel("New priority").fill("7");
    await page.getByRole("dialog").getByText("3 tasks").waitFor();
    await page.getByRole("dialog").getByLabel("Action").selectOption("cancel");
    await page.getByLabel("Reason").fill("all of them");
    await confirm("Cancel them");
    await titled(page, "errand.bulk");
    await page.getByText("Completed").first().waitFor();
    assert.equal((await service.ended(made.held)).state.message, "all of them");

    await goto("tasks?task=charge-card");
    await page.getByRole("row", { name: "charge-card" }).first().waitFor();
    await page.getByLabel("Choose all that are read").click();
    await page.getByRole("toolbar").getByRole("button", { name: "Delete…" }).click();
    await confirm("Delete them");
    await page.getByText("No task fits these filters").waitFor();
    assert.deepEqual(faults, []);
  },
);

browserTest(
  "a key that only reads is offered nothing else, and a tenant's key sees its tenant",
  async (page) => {
    const [ann, bob] = [aKey(["admin"], "ann"), aKey(["read"], "bob")];
    await using service = await PageService.with({ keys: [ann, bob] });
    const made = await fill(service);
    const { secret } = await service.call("POST", "/v1/keys", {
      name: "acme",
      scopes: ["read", "submit"],
      tenant: "acme",
    });
    const { goto } = await open(page, service, bob);
    const views: [view: string, shows: string][] = [
      ["overview", "charge-card"],
      ["tasks", "render-video"],
      [`tasks/${made.running}`, "340 of 1,200"],
      [`tasks/${made.failed}`, "RangeError"],
      [`groups/${made.flow}`, "3 of 6 have ended"],
      ["queues", "mail"],
      ["limits", "as sold"],
      ["schedules", "nightly-feeds"],
      ["schedules/nightly-feeds", "before the shop opens"],
      ["workers", "slots"],
      ["definitions", "Makes smaller copies"],
      ["definitions/resize", "Your key lacks the scope submit."],
    ];
    for (const [view, shows] of views) {
      await goto(view);
      await page.getByRole("main").getByText(shows).first().waitFor();
      const actions = await page.getByRole("main").getByRole("button", {
        name: /…$|^(Pause|Resume|Submit|Retry)( |$)/,
      }).count();
      assert.equal(actions, 0, view);
    }
    assert.equal(await page.getByRole("link", { name: "Keys" }).count(), 0);
    await goto("keys");
    await page.getByText("Your key may not see this").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await signIn(page, { ...bob, secret: "errand_wrong" });
    await page.getByText("This is not the secret of a key").waitFor();
    await signIn(page, { ...bob, secret });
    await goto("tasks");
    await page.getByText("No tasks").waitFor();
    await goto(`tasks/${made.running}`);
    await page.getByRole("alert").waitFor();
  },
);

browserTest("a task shows what it waits for, who waits for it, and its group", async (page) => {
  await using service = await PageService.with();
  const made = await fill(service);
  const { nodes } = await service.call("GET", `/v1/groups/${made.flow}`);
  const idOf = (name: string) => nodes.find((node: { name: string }) => node.name === name).id;
  const { faults, goto } = await open(page, service);
  await goto(`tasks/${idOf("index")}`);
  const panel = (title: string) =>
    page.locator(".panel").filter({ has: page.getByRole("heading", { name: title }) });
  await panel("Belongs to").getByRole("link", { name: "preview" }).waitFor();
  await panel("Belongs to").getByRole("link", { name: "3 of 6 have ended" }).waitFor();
  await panel("Tasks that wait for it").getByRole("link", { name: "notify" }).click();
  await page.waitForURL(`**/#/tasks/${idOf("notify")}`);
  await panel("Belongs to").getByRole("link", { name: "index" }).waitFor();
  await panel("Tasks that wait for it").getByText("None.").waitFor();
  assert.deepEqual(faults, []);
});

browserTest(
  "a restart, a service that is gone, and a session that ends: the page says so and goes on",
  async (page) => {
    await using folder = await Folder.with({});
    const ann = aKey(["admin"], "ann");
    await using service = await PageService.with({ keys: [ann], path: `${folder.path}/errand.kv` });
    const { faults, goto } = await open(page, service, ann);
    await goto("tasks?task=parse");
    await page.getByText("No task fits").waitFor();
    await service.stop();
    await page.getByRole("alert").getByText("The service does not answer.").waitFor();
    await service.start();
    const id = await service.submit("parse", { source: "after the restart" });
    await service.ended(id);
    // The session holds: it is in no process's memory.
    await page.getByRole("row", { name: "Completed" }).waitFor();
    await page.getByText("The service does not answer.").waitFor({ state: "detached" });
    await page.context().clearCookies();
    await page.getByText("Your session has ended").waitFor();
    await signIn(page, ann);
    await page.getByRole("row", { name: "Completed" }).waitFor();
    assert.match(page.url(), /#\/tasks\?task=parse$/);
    assert.deepEqual(faults.filter((fault) => !/ERR_|net::/.test(fault)), []);
  },
);

browserTest(
  "a service that is slow is asked once, however often something changes meanwhile",
  async (page) => {
    await using service = await PageService.with();
    await page.clock.install();
    const { goto } = await open(page, service);
    await goto("limits");
    await page.getByText("No rules").waitFor();
    const answers = Promise.withResolvers<void>();
    service.before = () => answers.promise;
    await goto("schedules");
    await page.locator(".skeleton").waitFor();
    const asked = () => service.requests.filter((request) => request === "GET /v1/schedules").length;
    while (asked() === 0) await page.clock.runFor(100);
    await page.clock.runFor(20_000);
    assert.equal(asked(), 1);
    answers.resolve();
    await page.getByText("No schedules").waitFor();
  },
);

browserTest(
  "what happens elsewhere shows by the service's own stream, on one that goes on after a cut",
  async (page) => {
    await using folder = await Folder.with({});
    await using service = await PageService.with({ path: `${folder.path}/errand.kv` });
    const { goto } = await open(page, service);
    await goto("tasks?task=parse");
    // Without the stream it would look again by the clock alone, which takes longer than these waits.
    const live = page.getByRole("navigation").getByText("Live");
    const shows = (name: string) => page.getByRole("row", { name }).waitFor({ timeout: 12_000 });
    await live.waitFor();
    await service.submit("parse", { source: "a" }, { tags: ["before"] });
    await shows("before");
    await service.stop();
    await page.getByText("The service does not answer.").waitFor();
    await service.start();
    await live.waitFor();
    await service.submit("parse", { source: "b" }, { tags: ["after"] });
    await shows("after");
  },
);

browserTest("names that are HTML or turn around stay text, and times are the reader's", async (page) => {
  await using service = await PageService.with();
  const id = await service.submit("parse", { source: HTML, value: { [RTL]: HTML, [HTML]: RTL } }, {
    tags: [RTL, HTML.slice(0, 60)],
    metadata: { [HTML]: HTML },
  });
  await service.ended(id);
  const broken = await service.submit("resize", {
    url: `https://img.example/broken?${encodeURIComponent(HTML)}`,
  });
  await service.ended(broken);
  const { faults, goto } = await open(page, service);
  for (
    const view of [
      `tasks/${id}`,
      `tasks/${broken}`,
      "tasks",
      `definitions/${encodeURIComponent(HTML)}`,
      "overview",
    ]
  ) {
    await goto(view);
    await page.getByRole("heading", { level: 1 }).waitFor();
    if (view.endsWith(id)) await page.getByText("bold").first().waitFor();
    assert.equal(await page.evaluate("globalThis.harmed"), undefined);
    assert.equal(await page.locator("main img, main b:text-is('bold')").count(), 0);
  }
  await goto(`tasks/${id}`);
  const at = page.locator("dl time").first();
  assert.match(await at.getAttribute("title") ?? "", /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/);
  assert.deepEqual(faults, []);
});

browserTest(
  "a tab in the background asks for nothing, and looks at once when it is seen again",
  async (page) => {
    await using service = await PageService.with();
    await page.clock.install();
    const { goto } = await open(page, service);
    await goto("queues");
    await page.getByRole("row", { name: "default" }).or(page.getByText("All queues")).first().waitFor();
    const show = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { get: () => ${isHidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`,
      );
    await show(true);
    await page.clock.runFor(2_000);
    await page.waitForLoadState("networkidle");
    const before = service.requests.length;
    await page.clock.runFor(10 * 60_000);
    assert.deepEqual(service.requests.slice(before), []);
    await show(false);
    await page.clock.runFor(2_000);
    await page.waitForResponse((response) => response.url().endsWith("/v1/queues"));
  },
);

browserTest("what became of an action is seen and can be put away while a dialog is open", async (page) => {
  await using service = await PageService.with({});
  await fill(service);
  const { goto, faults } = await open(page, service);
  const problem = { status: 422, title: "", detail: "no room for another rule", errors: [] };
  await page.route("**/v1/limits/gpu", (route) => route.fulfill({ status: 422, json: problem }));
  await goto("limits");
  await page.getByRole("button", { name: "New rule…" }).click();
  const dialog = page.getByRole("dialog");
  await page.getByLabel("Keys").fill("gpu");
  await page.locator("input[name=concurrency]").fill("3");
  await dialog.getByRole("button", { name: "Set it" }).click();
  const notice = dialog.getByRole("status").getByText("no room for another rule");
  await notice.waitFor();
  // A click arrives only where nothing lies above, and what is outside of a dialog takes none.
  await dialog.getByRole("button", { name: "Dismiss" }).click();
  await notice.waitFor({ state: "detached" });
  await dialog.getByRole("button", { name: "Back" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator("body .notices").waitFor({ state: "attached" });
  assert.deepEqual(faults, []);
});
