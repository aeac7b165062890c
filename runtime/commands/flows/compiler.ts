// Makes submissions of a flow: gives its tasks names and ids, and puts what an element hands on into the inputs of
// those that come after it.

import type { Json } from "../../core/define.ts";
import { type Fault, ValidationError } from "../../core/errors.ts";
import { Graph, type Node, type Part } from "./name_graph.ts";
import {
  boundsFaults,
  type Chunks,
  type Element,
  type FlowSpec,
  type FlowTask,
  nameFault,
  type Signature,
} from "./schema.ts";
import { pointer } from "../../core/json.ts";
import type { Submission, SubmitOptions } from "../../core/submission.ts";

export { flowSchema, type FlowSpec } from "./schema.ts";

export interface CompiledFlow {
  /**
   * They carry ids. Those of a graph by names are in the order of its names; of the other forms, each stands behind
   * those that it waits for. Parts of the inputs are shared between them.
   */
  submissions: Submission[];
  /** The name of each submission. */
  names: string[];
  /** What the whole hands on, as references. */
  result: Json;
  /** Where each submission stands in the flow. */
  pointers: string[];
  /** Where in the flow a part of the n-th submission stands, e.g. "/input/3". */
  pointerIn(index: number, part: string): string;
}

/** What an element hands on. */
interface Handed {
  value: Json;
  /** Tasks that must have ended before it is there. */
  tasks: FlowNode[];
  /** Those of them that the value does not refer to: there is nothing of theirs in it. */
  unseen: FlowNode[];
}

interface FlowNode extends Node {
  readonly own: Signature;
  /** Where its own input stands; a chunk's has one part for each call. */
  readonly parts: Part[];
  readonly chunk: boolean;
  readonly before: Handed | null;
}

/** Each element of a group gets the whole list that a group before it hands on, so this grows by multiplication. */
const MOST_HANDED_ON = 250_000;
const MOST_FAULTS = 50;

/** @throws {ValidationError} with everything that is wrong, by pointers into the flow. */
export function compileFlow(flow: FlowSpec, newId: () => string): CompiledFlow {
  return new Compiler(newId).compile(flow);
}

class Compiler {
  readonly #faults: Fault[] = [];
  readonly #graph = new Graph<FlowNode>(this.#faults);
  readonly #nodes: FlowNode[] = [];
  #handedOn = 0;

  constructor(private readonly newId: () => string) {}

  compile(flow: FlowSpec): CompiledFlow {
    this.#faults.push(...boundsFaults(flow));
    this.#throwFaults();
    const result = "tasks" in flow ? this.#named(flow.tasks) : this.#element(flow, [], "", null).value;
    if (this.#handedOn > MOST_HANDED_ON) {
      const message =
        `its tasks would be handed ${this.#handedOn} results in all, at most ${MOST_HANDED_ON} ` +
        `are allowed: between two large groups, put one task that makes one result of the first`;
      this.#faults.push({ pointer: "", message });
      this.#throwFaults();
    }
    const submissions = new Map(this.#nodes.map((node) => [node, this.#submission(node, flow.options)]));
    const order = this.#graph.inOrder(this.#nodes);
    this.#throwFaults();
    const nodes = "tasks" in flow ? this.#nodes : order;
    return {
      submissions: nodes.map((node) => submissions.get(node)!),
      names: nodes.map(({ name }) => name),
      result,
      pointers: nodes.map(({ pointer }) => pointer),
      pointerIn: (index, part) => pointerIn(nodes[index], part),
    };
  }

  #named(tasks: Record<string, FlowTask>): Json {
    const results = Object.entries(tasks).map(([name, task]) => {
      const at = `/tasks${pointer([name])}`;
      const message = nameFault(name);
      if (message !== null) this.#faults.push({ pointer: at, message });
      return [name, this.#signature(task, name, at, null).value];
    });
    return Object.fromEntries(results);
  }

  /** `place` names what has no name of its own. */
  #element(element: Element, place: string[], at: string, before: Handed | null): Handed {
    if ("task" in element) return this.#signature(element, element.name ?? place.join("."), at, before);
    if ("chunks" in element) return this.#chunks(element.chunks, place, `${at}/chunks`, before);
    if ("group" in element) return this.#group(element.group, place, `${at}/group`, before);
    if ("chain" in element) {
      return element.chain.reduce<Handed | null>(
        (former, each, i) => this.#element(each, [...place, `${i}`], `${at}/chain/${i}`, former),
        before,
      )!;
    }
    const { header, body } = element.chord;
    const [under, headerAt] = [[...place, "header"], `${at}/chord/header`];
    const handed = Array.isArray(header)
      ? this.#group(header, under, headerAt, before)
      : asList(this.#element(header, under, headerAt, before));
    return this.#element(body, [...place, "body"], `${at}/chord/body`, handed);
  }

  #group(elements: Element[], place: string[], at: string, before: Handed | null): Handed {
    const handed = elements.map((each, i) => this.#element(each, [...place, `${i}`], `${at}/${i}`, before));
    const value = handed.map((each) => each.value);
    // Where there are no tasks, those before are still to be waited for.
    const own = handed.filter(({ tasks }) => tasks !== before?.tasks);
    if (own.length === 0) return { value, tasks: before?.tasks ?? [], unseen: before?.tasks ?? [] };
    return { value, tasks: own.flatMap(({ tasks }) => tasks), unseen: own.flatMap(({ unseen }) => unseen) };
  }

  #signature(own: Signature, name: string, at: string, before: Handed | null): Handed {
    this.#faults.push(...signatureFaults(own, at, before));
    const parts = own.input === undefined ? [] : [{ value: own.input, pointer: `${at}/input` }];
    return this.#add({ own, name, pointer: at, parts, chunk: false, before });
  }

  #chunks(
    { task, inputs, size, options }: Chunks,
    place: string[],
    at: string,
    before: Handed | null,
  ): Handed {
    if (before !== null) {
      const message = "chunks cannot come after something: their inputs are known when the flow is submitted";
      this.#faults.push({ pointer: at, message });
    }
    const handed: Handed[] = [];
    for (let start = 0; start < inputs.length; start += size) {
      const parts = inputs.slice(start, start + size)
        .map((value, i) => ({ value, pointer: `${at}/inputs/${start + i}` }));
      const name = [...place, `${handed.length}`].join(".");
      handed.push(this.#add({ own: { task, options }, name, pointer: at, parts, chunk: true, before: null }));
    }
    return {
      value: handed.map(({ value }) => value),
      tasks: handed.flatMap(({ tasks }) => tasks),
      unseen: [],
    };
  }

  #add(node: Omit<FlowNode, "id" | "after">): Handed {
    const { before } = node;
    const added: FlowNode = { ...node, id: this.newId(), after: before?.tasks ?? [] };
    this.#handedOn += added.after.length;
    this.#nodes.push(added);
    this.#graph.add(added);
    return { value: { $task: added.id }, tasks: [added], unseen: [] };
  }

  #submission(node: FlowNode, defaults: SubmitOptions | undefined): Submission {
    const { own, id, name, pointer, before, parts, chunk } = node;
    const [first, ...others] = parts.map((part) => this.#graph.identified(part, node));
    const input = chunk ? [first, ...others] : withHanded(first, own, before);
    const options = merged(defaults, own.options);
    if (own.allowFailure !== undefined) options.allowFailure = own.allowFailure;
    const named = this.#graph.idsOf(node, own.waitFor ?? [], `${pointer}/waitFor`);
    const given = own.waitFor ? [...named, ...own.options?.waitFor ?? []] : options.waitFor ?? [];
    const former = before === null ? [] : own.immutable ? before.tasks : before.unseen;
    const waitFor = new Set([...given, ...former.map(({ id }) => id)]);
    if (waitFor.size > 0) options.waitFor = [...waitFor];
    return {
      id,
      task: own.task,
      node: name,
      ...(input === undefined ? {} : { input }),
      ...(chunk ? { chunk } : {}),
      ...(Object.keys(options).length === 0 ? {} : { options }),
    };
  }

  #throwFaults(): void {
    if (this.#faults.length > 0) throw new ValidationError(this.#faults.slice(0, MOST_FAULTS));
  }
}

function signatureFaults({ input, into, immutable }: Signature, at: string, before: Handed | null): Fault[] {
  if (into === undefined) {
    if (before === null || input === undefined || immutable) return [];
    const message =
      'it has an input of its own, and gets what comes before it: say which field that goes "into", ' +
      'or with "immutable": true that it only waits';
    return [{ pointer: `${at}/input`, message }];
  }
  const fault = (message: string): Fault[] => [{ pointer: `${at}/into`, message }];
  if (before === null) return fault("nothing comes before it that could be handed on");
  if (immutable) return fault('not together with "immutable": then nothing is handed on');
  if (input === undefined) return [];
  const isFields = typeof input === "object" && input !== null && !Array.isArray(input) &&
    !Object.hasOwn(input, "$task") && !Object.hasOwn(input, "$quote");
  if (!isFields) {
    return [{
      pointer: `${at}/input`,
      message: `must be an object of fields, as "into" adds the field "${into}"`,
    }];
  }
  return Object.hasOwn(input, into) ? fault(`its input has a field "${into}" of its own already`) : [];
}

function withHanded(input: unknown, { into, immutable }: Signature, before: Handed | null): unknown {
  if (before === null || immutable) return input;
  return into === undefined ? before.value : { ...input as object, [into]: before.value };
}

/** One element as a header hands on a list, or is a list of one. */
function asList(handed: Handed): Handed {
  return Array.isArray(handed.value) ? handed : { ...handed, value: [handed.value] };
}

/** Fields of a task's own options win, and so do those that say the same in another way. */
function merged(defaults: SubmitOptions = {}, own: SubmitOptions = {}): SubmitOptions {
  const options = { ...defaults, ...own };
  if (defaults.retry && own.retry) options.retry = { ...defaults.retry, ...own.retry };
  for (const [one, other] of [["delayMs", "runAt"], ["ttlMs", "expiresAt"]] as const) {
    if (own[one] !== undefined) delete options[other];
    if (own[other] !== undefined) delete options[one];
  }
  return options;
}

function pointerIn({ pointer, chunk, parts }: FlowNode, part: string): string {
  const [isInput, place, rest] = /^\/input(?:\/(\d+)(.*))?$/s.exec(part) ?? [];
  if (!chunk || isInput === undefined) return pointer + part;
  return place === undefined ? `${pointer}/inputs` : parts[Number(place)].pointer + rest;
}
