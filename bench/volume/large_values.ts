// Values of 16 MiB: how fast they come and go, and how long the event loop is held up meanwhile.

import { withFile } from "../measure.ts";
import type { Figure } from "./figure.ts";
import { Service } from "./service.ts";

const BYTES = 16 * 2 ** 20;
const ROUNDS = 5;
/** Of the body and the result beside the text. */
const ENVELOPE = 200;

/** Texts that gzip makes nothing of, and such as people write. */
const TEXTS: Record<string, () => string> = {
  "random text": () => {
    const bytes = crypto.getRandomValues(new Uint8Array(48 * 1_024));
    let text = "";
    while (text.length < BYTES) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] * 167 + i) & 255;
      crypto.getRandomValues(bytes);
      text += btoa(String.fromCharCode(...bytes.subarray(0, 24 * 1_024)));
    }
    return text.slice(0, BYTES - ENVELOPE);
  },
  "rows of JSON": () => {
    const rows = Array.from(
      { length: 200_000 },
      (_, id) => `{'id':${id},'name':'row ${id % 977}','ok':true}`,
    );
    return rows.join(",").repeat(3).slice(0, BYTES - ENVELOPE);
  },
};

export async function largeValues(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [kind, make] of Object.entries(TEXTS)) figures.push(...await ofText(kind, make()));
  return figures;
}

function ofText(kind: string, text: string): Promise<Figure[]> {
  return withFile(async (path) => {
    await using service = await Service.start({ path, env: { MAX_INPUT_BYTES: String(BYTES) } });
    const body = new TextEncoder().encode(JSON.stringify({ task: "echo", input: { value: text } }));
    const up: number[] = [];
    const down: number[] = [];
    const held = { up: 0, run: 0, down: 0 };
    await upload(service.url, body);
    for (let i = 0; i < ROUNDS; i++) {
      await service.heldMs();
      let started = performance.now();
      const id = await upload(service.url, body);
      up.push(performance.now() - started);
      held.up = Math.max(held.up, await service.heldMs());
      await ended(service.url, id);
      held.run = Math.max(held.run, await service.heldMs());
      started = performance.now();
      const answer = await fetch(new URL(`/v1/tasks/${id}/result`, service.url));
      const { byteLength } = await answer.arrayBuffer();
      if (answer.status !== 200 || byteLength < text.length) throw new Error(`result: ${answer.status}`);
      down.push(performance.now() - started);
      held.down = Math.max(held.down, await service.heldMs());
    }
    const rate = (times: number[]) =>
      BYTES / 1e6 / (times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] / 1_000);
    const what = `16 MiB of ${kind}`;
    return [
      { what: `${what}: up`, value: rate(up), unit: "MB/s", least: 100 },
      { what: `${what}: down`, value: rate(down), unit: "MB/s", least: 100 },
      { what: `${what}: the loop is held while it comes`, value: held.up, unit: "ms", most: 50 },
      { what: `${what}: while it runs`, value: held.run, unit: "ms", most: 50 },
      { what: `${what}: while it goes`, value: held.down, unit: "ms", most: 50 },
    ];
  });
}

async function upload(url: URL, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const headers = { "content-type": "application/json", prefer: "return=minimal" };
  const answer = await fetch(new URL("/v1/tasks", url), { method: "POST", headers, body });
  const location = answer.headers.get("location");
  const bytes = await answer.arrayBuffer();
  if (answer.status === 202 && location) return location.split("/").at(-1)!;
  throw new Error(`POST answered ${answer.status}: ${new TextDecoder().decode(bytes.slice(0, 300))}`);
}

async function ended(url: URL, id: string): Promise<void> {
  const body = JSON.stringify({ ids: [id], timeoutSeconds: 60 });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(new URL("/v1/wait", url), { method: "POST", headers, body });
  const { done } = await answer.json();
  if (done[0]?.state.type !== "COMPLETED") throw new Error(`task ${id}: ${JSON.stringify(done)}`);
}
