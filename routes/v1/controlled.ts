// What calls about queues and definitions have in common.

import { z } from "zod";
import { once } from "../../runtime/core/once.ts";
import { queueName } from "../../runtime/core/submission.ts";

export const queueParams = once(() => z.object({ name: queueName() }));
export const definitionParams = once(() => z.object({ name: z.string().min(1).max(200) }));
export const forbiddenOr404 = {
  403: "The key may not know all tasks that it concerns",
  404: "There is none of this name that the key may know",
};
