// Sends made-up requests to a whole service inside this process and looks at every answer: none is a 500,
// each is what the document says, and nothing is left waiting.

import { aService, type Service } from "../support/service.ts";
import { Random } from "../support/random.ts";
import { eventually } from "../support/waiting.ts";
import { type FuzzRequest, Generator, Known } from "./generate.ts";

export interface Fuzzed {
  requests: number;
  /** How many of each status. */
  statuses: Map<number, number>;
  /** The request and the answer of each fault. */
  faults: string[];
}

const AT_ONCE = 20;
const LONGEST_STREAM_MS = 200;

export async function fuzz(
  count: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Promise<Fuzzed> {
  await using service = await aService({ concurrency: 50, mayLogErrors: true });
  const random = new Random(seed);
  const known = new Known(random);
  const generator = new Generator(await service.document(), random, known);
  const fuzzed: Fuzzed = { requests: 0, statuses: new Map(), faults: [] };
  const lane = async () => {
    while (fuzzed.requests < count) {
      const request = generator.request();
      if (++fuzzed.requests % 1_000 === 0) onProgress(fuzzed.requests);
      await send(service, request, known, fuzzed);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const error of service.errors) fuzzed.faults.push(`logged: ${error}`);
  await eventually(() => service.runtime.watched === 0, () => `${service.runtime.watched} tasks are watched`)
    .catch(({ message }) => fuzzed.faults.push(message));
  return fuzzed;
}

async function send(service: Service, request: FuzzRequest, known: Known, fuzzed: Fuzzed): Promise<void> {
  const { method, path, headers, body } = request;
  const told = JSON.stringify(request).slice(0, 2_000);
  try {
    const { status, text } = /\/events|\/as-completed/.test(path)
      ? await streamed(service, request)
      : await service.request(method, path, { headers, body });
    fuzzed.statuses.set(status, (fuzzed.statuses.get(status) ?? 0) + 1);
    if (status >= 500) fuzzed.faults.push(`${status} for ${told}: ${text.slice(0, 500)}`);
    if (status < 300) known.note(text);
  } catch (error) {
    fuzzed.faults.push(`${told}: ${error instanceof Error ? error.message : error}`);
  }
}

/** A stream may have no end: it is read for a moment, and left. */
async function streamed(
  service: Service,
  { method, path, headers, body }: FuzzRequest,
): Promise<{ status: number; text: string }> {
  const response = await service.app.request(path, { method, headers, body });
  if (response.headers.get("content-type") !== "text/event-stream") {
    return { status: response.status, text: await response.text() };
  }
  const reader = response.body?.getReader();
  const timer = setTimeout(() => void reader?.cancel(), LONGEST_STREAM_MS);
  while (reader && !(await reader.read()).done);
  clearTimeout(timer);
  return { status: response.status, text: "" };
}
