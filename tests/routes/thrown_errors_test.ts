import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { aService } from "../support/service.ts";

const anything = z.object({});

Deno.test("a thrown object whose getters throw fails the attempt and frees its slot", async () => {
  const thrower = define({ name: "thrower", input: anything }, () => {
    throw {
      get message() {
        throw new Error("not even this");
      },
    };
  });
  await using service = await aService({ definitions: [thrower], mayLogErrors: true });
  const { id } = await service.submit("thrower");
  const { body } = await service.get(`/v1/tasks/${id}?wait=60`);
  assert.equal(body.state.type, "FAILED");
  assert.equal(service.runtime.running, 0);
});

Deno.test("a thrown proxy that was revoked fails the attempt and frees its slot", async () => {
  const thrower = define({ name: "thrower", input: anything }, () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    throw proxy;
  });
  await using service = await aService({ definitions: [thrower], mayLogErrors: true });
  const { id } = await service.submit("thrower");
  const { body } = await service.get(`/v1/tasks/${id}?wait=60`);
  assert.equal(body.state.type, "FAILED");
  assert.equal(service.runtime.running, 0);
});
