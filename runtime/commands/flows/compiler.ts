// Compiles a flow to submissions: gives its tasks names and ids, and puts what an element passes on into the
// inputs of those that come after it.

import type { Json } from "../../core/define.ts";
import { parted } from "../../core/grouped_options.ts";
import { type Fault, ValidationError } from "../../core/errors.ts";
import { pointer } from "../../core/json.ts";
import type { Submission } from "../../core/submission.ts";
import type { Turn } from "../../platform/turns.ts";
import type { Batch } from "../batch.ts";
import { roundTrip, topologicalOrder } from "../topological_order.ts";
import { boundsFaults } from "./bounds.ts";
import { nameFault } from "./name_rules.ts";
import { Names } from "./names.ts";
import {
  type FlowNode,
  optionFaults,
  type Output,
  pointerInFlow,
  signatureFaults,
  submissionOf,
  upstreamsOf,
} from "./node.ts";
import type { Chunks, Element, FlowSpec, FlowTask, Signature } from "./schema.ts";

export interface CompiledFlow extends Batch {
  // Tasks by names are in the order of their names, others behind those that they wait for. Inputs share
  // values.

  /** The name of each submission. */
  names: string[];
  /** What the flow as a whole passes on, as references. */
  result: Json;
}

/** Each element of a group takes the complete list of a group before it, so this grows by multiplication. */
const MOST_PASSED_ON = 250_000;
const MOST_FAULTS = 50;
const LONGEST_CYCLE_TOLD = 20;

/** @throws {ValidationError} with everything that is wrong, by pointers into the flow. */
export async function compileFlow(flow: FlowSpec, newId: () => string, turn: Turn): Promise<CompiledFlow> {
  return await new Compiler(newId, turn).compile(flow);
}

class Compiler {
  readonly #faults: Fault[] = [];
  readonly #names = new Names<FlowNode>(this.#faults);
  readonly #nodes: FlowNode[] = [];
  #passedOn = 0;

  constructor(private readonly newId: () => string, private readonly turn: Turn) {}

  async compile(flow: FlowSpec): Promise<CompiledFlow> {
    const { turn } = this;
    const { each: defaults } = parted(flow.options);
    const tooLarge = boundsFaults(flow);
    if (tooLarge.length > 0) throw new ValidationError(tooLarge);
    const result = "tasks" in flow
      ? await this.#named(flow.tasks)
      : (await this.#element(flow, [], "", null)).value;
    this.#requireFewPassedOn();
    const submissionAt = new Map<FlowNode, Submission>();
    for (const node of this.#nodes) {
      const next = turn.over();
      if (next) await next;
      const submission = submissionOf(node, this.#names, defaults);
      submissionAt.set(node, submission);
      for (const fault of optionFaults(submission, node)) this.#faults.push(fault);
      if (this.#faults.length >= MOST_FAULTS) this.#throwFaults();
    }
    const { order, cycles } = await topologicalOrder(this.#nodes, upstreamsOf, turn);
    for (const cycle of cycles.slice(0, MOST_FAULTS)) this.#faults.push(cycleFault(cycle));
    this.#throwFaults();
    const nodes = "tasks" in flow ? this.#nodes : order;
    const submissions = nodes.map((node) => submissionAt.get(node)!);
    return {
      submissions,
      names: nodes.map(({ name }) => name),
      result,
      pointerOf: (index, part) => pointerInFlow(nodes[index], part),
    };
  }

  async #named(tasks: Record<string, FlowTask>): Promise<Json> {
    const results: [string, Json][] = [];
    for (const [name, task] of Object.entries(tasks)) {
      const next = this.turn.over();
      if (next) await next;
      const at = `/tasks${pointer([name])}`;
      const message = nameFault(name);
      if (message !== null) this.#faults.push({ pointer: at, message });
      results.push([name, this.#signature(task, name, at, null).value]);
    }
    return Object.fromEntries(results);
  }

  /** @param place its path, as a name for a task that has none. */
  async #element(element: Element, place: string[], at: string, previous: Output | null): Promise<Output> {
    const next = this.turn.over();
    if (next) await next;
    if ("task" in element) return this.#signature(element, element.name ?? place.join("."), at, previous);
    if ("chunks" in element) return await this.#chunks(element.chunks, place, `${at}/chunks`, previous);
    if ("group" in element) return await this.#group(element.group, place, `${at}/group`, previous);
    if ("chain" in element) {
      let former = previous;
      for (const [i, each] of element.chain.entries()) {
        // It hands on what it gets. Without anything before it that is an empty list.
        if (former !== null && isEmptyGroup(each)) continue;
        former = await this.#element(each, [...place, `${i}`], `${at}/chain/${i}`, former);
      }
      return former!;
    }
    const { header, body } = element.chord;
    const [under, headerAt] = [[...place, "header"], `${at}/chord/header`];
    const output = Array.isArray(header)
      ? await this.#group(header, under, headerAt, previous)
      : asList(await this.#element(header, under, headerAt, previous));
    return await this.#element(body, [...place, "body"], `${at}/chord/body`, output);
  }

  async #group(
    elements: Element[],
    place: string[],
    at: string,
    previous: Output | null,
  ): Promise<Output> {
    const outputs: Output[] = [];
    for (const [i, each] of elements.entries()) {
      outputs.push(await this.#element(each, [...place, `${i}`], `${at}/${i}`, previous));
    }
    const value = outputs.map((each) => each.value);
    // A group without tasks of its own: what comes after it waits for what came before it.
    const own = outputs.filter(({ tasks }) => tasks !== previous?.tasks);
    if (own.length === 0) {
      return { value, tasks: previous?.tasks ?? [], unreferenced: previous?.tasks ?? [] };
    }
    return {
      value,
      tasks: own.flatMap(({ tasks }) => tasks),
      unreferenced: own.flatMap(({ unreferenced }) => unreferenced),
    };
  }

  #signature(signature: Signature, name: string, at: string, previous: Output | null): Output {
    this.#faults.push(...signatureFaults(signature, at, previous));
    const parts = signature.input === undefined ? [] : [{ value: signature.input, pointer: `${at}/input` }];
    return this.#add({ signature, name, pointer: at, parts, chunk: false, previous });
  }

  async #chunks(
    { task, inputs, size, options }: Chunks,
    place: string[],
    at: string,
    previous: Output | null,
  ): Promise<Output> {
    if (previous !== null) {
      const message = "chunks cannot come after something: their inputs are known when the flow is submitted";
      this.#faults.push({ pointer: at, message });
    }
    const outputs: Output[] = [];
    for (let start = 0; start < inputs.length; start += size) {
      const next = this.turn.over();
      if (next) await next;
      const parts = inputs.slice(start, start + size)
        .map((value, i) => ({ value, pointer: `${at}/inputs/${start + i}` }));
      const name = [...place, `${outputs.length}`].join(".");
      const signature = { task, options };
      outputs.push(this.#add({ signature, name, pointer: at, parts, chunk: true, previous: null }));
    }
    return {
      value: outputs.map(({ value }) => value),
      tasks: outputs.flatMap(({ tasks }) => tasks),
      unreferenced: [],
    };
  }

  #add(node: Omit<FlowNode, "id" | "named" | "waitPointers">): Output {
    const added: FlowNode = { ...node, id: this.newId(), named: [], waitPointers: [] };
    this.#passedOn += node.previous?.tasks.length ?? 0;
    this.#nodes.push(added);
    this.#names.add(added);
    return { value: { $task: added.id }, tasks: [added], unreferenced: [] };
  }

  #requireFewPassedOn(): void {
    if (this.#passedOn <= MOST_PASSED_ON) return;
    const message = `its tasks would be handed ${this.#passedOn} results in all, at most ${MOST_PASSED_ON} ` +
      `are allowed: between two large groups, put one task that makes one result of the first`;
    this.#faults.push({ pointer: "", message });
    this.#throwFaults();
  }

  #throwFaults(): void {
    if (this.#faults.length > 0) throw new ValidationError(this.#faults.slice(0, MOST_FAULTS));
  }
}

function isEmptyGroup(element: Element): boolean {
  return "group" in element && element.group.length === 0;
}

/** A header passes on a list. */
function asList(output: Output): Output {
  return Array.isArray(output.value) ? output : { ...output, value: [output.value] };
}

function cycleFault(cycle: FlowNode[]): Fault {
  const path = roundTrip(cycle).map(({ name }) => name);
  const left = cycle.length - LONGEST_CYCLE_TOLD;
  if (left > 0) path.splice(LONGEST_CYCLE_TOLD, left, `(${left} more)`);
  const message = `a cycle: ${path.join(" → ")}; each of these waits for the one before it`;
  return { pointer: cycle[0].pointer, message };
}
