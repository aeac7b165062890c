// What callers use and may use, on the page.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aKey } from "../support/api_keys.ts";
import { browserTest } from "../support/browser.ts";
import { PageService } from "../support/page_service.ts";
import { assertAccessible, open, signIn, titled } from "./opened.ts";

browserTest("what keys and tenants use is shown, and quotas are set and taken away", async (page) => {
  const ann = aKey(["admin"], "ann");
  await using service = await PageService.with({ keys: [ann] });
  const { secret } = await service.call("POST", "/v1/keys", {
    name: "shop",
    scopes: ["submit", "read"],
    tenant: "acme",
  });
  const { faults, goto } = await open(page, service, ann);
  await goto("usage");
  await page.getByText("No quotas").waitFor();
  // The tenant's key is counted from its first call on.
  await service.errand.fetch(
    new Request(`${service.url}/v1/tasks`, { headers: { authorization: `Bearer ${secret}` } }),
  );
  const used = page.getByRole("row", { name: "key shop of acme" }).first();
  await used.getByRole("button", { name: "Quotas…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Requests a second").fill("5");
  await dialog.getByLabel("Stored").fill("1048576");
  await assertAccessible(page, "quotas");
  await dialog.getByRole("button", { name: "Set them" }).click();
  await page.getByText("Stored: 1.0 MiB").waitFor();
  await used.getByText("of 5", { exact: true }).waitFor();
  await assertAccessible(page, "usage");
  const [{ quotas, tenant }] = (await service.call("GET", "/v1/quotas")).quotas;
  assert.deepEqual({ quotas, tenant }, {
    quotas: { requestsPerSecond: 5, storedBytes: 1_048_576 },
    tenant: "acme",
  });

  // What was said is in the form, and what is emptied is taken away.
  await used.getByRole("button", { name: "Quotas…" }).click();
  assert.equal(await dialog.getByLabel("Stored").inputValue(), "1048576");
  await dialog.getByLabel("Stored").fill("");
  await dialog.getByRole("button", { name: "Set them" }).click();
  await page.getByText("Stored: 1.0 MiB").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Delete…" }).click();
  await dialog.getByRole("button", { name: "Delete them" }).click();
  await page.getByText("No quotas").waitFor();
  assert.deepEqual((await service.call("GET", "/v1/quotas")).quotas, []);

  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, { ...ann, secret });
  await titled(page, "Usage");
  await page.getByRole("row", { name: "key shop of acme" }).waitFor();
  assert.equal(await page.getByRole("row", { name: "ann" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Quotas…" }).count(), 0);
  assert.deepEqual(faults, []);
});
