// `errand submit`.

import type { EachTaskOptions } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { SubmitGiven } from "../given.ts";
import { jsonArgument } from "../json_argument.ts";
import type { Session } from "../session.ts";
import { tellOutcome } from "./outcome.ts";

export async function submit(
  session: Session,
  name: string,
  input: string | undefined,
  given: SubmitGiven,
): Promise<ExitCode> {
  if (input === "-" && given.options === "-") {
    throw new CommandError("standard input can be the input or the options, not both");
  }
  if (given.within !== undefined && !given.wait) {
    throw new CommandError("--within says how long --wait waits; give --wait too");
  }
  const value = await jsonArgument(input, "INPUT", session.io);
  const options = await optionsOf(session, given);
  const client = await session.client();
  const { id, idempotencyKey } = given;
  const future = await client.submit(name, value as never, { ...options, id, idempotencyKey });
  if (!given.wait) {
    if (session.isJson) session.json({ id: future.id, task: name, deduplicated: future.deduplicated });
    else session.line(future.id);
    return EXIT.done;
  }
  session.say(`submitted ${future.id}; it goes on if this is interrupted: errand result ${future.id} --wait`);
  const waiting = (await session.client({ waits: true })).future(future.id);
  return await tellOutcome(session, waiting, given.within);
}

async function optionsOf(session: Session, given: SubmitGiven): Promise<EachTaskOptions> {
  const more = await jsonArgument(given.options, "--options", session.io) ?? {};
  if (typeof more !== "object" || more === null || Array.isArray(more)) {
    throw new CommandError(`--options must be a JSON object; it is ${JSON.stringify(more)}`);
  }
  const named: EachTaskOptions = {
    displayName: given.name,
    queue: given.queue,
    priority: given.priority,
    delayMs: given.delay,
    runAt: given.at,
    ttlMs: given.ttl,
    timeoutMs: given.timeout,
    tags: given.tag,
  };
  const said = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const { retry } = more as EachTaskOptions;
  const attempts = given.attempts === undefined ? {} : { retry: { ...retry, maxAttempts: given.attempts } };
  return { ...more, ...said, ...attempts };
}
