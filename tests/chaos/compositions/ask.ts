// Asks for a composition, and writes down what was answered.

import { pause } from "../../support/waiting.ts";
import type { Random } from "../../support/random.ts";
import { type Answer, type Body, type Caller, untilAnswered } from "../caller.ts";
import { now } from "../journal.ts";
import type { Drawn } from "./composition.ts";
import type { ComposedLine } from "../lines.ts";
import { draw, type KindName } from "./kinds.ts";

/** A submit that another task with its unique key has answered, or kept out, is answered too. */
const ANSWERS = [200, 202, 409];

export function askFor(
  kind: KindName,
  name: string,
  random: Random,
  caller: Caller,
  write: (line: ComposedLine) => void,
): { size: number; act: () => Promise<void> } {
  const calls = [...draw(kind, random, name)].map(([call, drawn]) => ({
    call,
    drawn,
    random: random.fork(),
  }));
  return {
    size: calls.reduce((sum, { drawn }) => sum + drawn.size, 0),
    act: async () => {
      await Promise.all(
        calls.map(({ call, drawn, random }) => ask(kind, call, drawn, random, caller, write)),
      );
    },
  };
}

async function ask(
  kind: KindName,
  call: string,
  { path, body, plan, isRepeated, cancelAfterMs }: Drawn<unknown>,
  random: Random,
  caller: Caller,
  write: (line: ComposedLine) => void,
): Promise<void> {
  const askedAt = now();
  const headers: Record<string, string> = isRepeated ? { "idempotency-key": call } : {};
  const send = () => caller.call(random, "POST", path, body, headers);
  const answer = await (isRepeated ? untilAnswered(random, send, [200, 202, 422]) : send());
  if (answer && answer.status < 500 && !ANSWERS.includes(answer.status)) {
    caller.wrong.push(`${kind} ${call} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  const isAccepted = answer?.status === 200 || answer?.status === 202;
  const groupId: string | null = isAccepted ? answer.body.groupId ?? null : null;
  write({
    is: "composed",
    kind,
    call,
    plan,
    askedAt,
    at: now(),
    isRepeated,
    status: answer?.status ?? null,
    detail: answer?.body.detail ?? null,
    groupId,
    ids: isAccepted ? idsOf(answer) : {},
  });
  if (cancelAfterMs === undefined || groupId === null) return;
  await pause(cancelAfterMs);
  await untilAnswered(random, () => caller.call(random, "POST", `/v1/groups/${groupId}/cancel`), [200, 202]);
}

function idsOf({ body }: Answer): Record<string, string> {
  const { tasks, id } = body;
  if (tasks === undefined) return { "0": id };
  return Object.fromEntries(Object.entries<Body>(tasks).map(([name, task]) => [name, task.id]));
}
