// What callers do in a simulated world: each is a small story of its own, told of what it was answered. A
// caller that gets no answer asks again elsewhere, as a good client does.

import { type Caller, callerWithin } from "../../runtime/core/caller.ts";
import { bare, inTenant } from "../../runtime/core/tenant.ts";
import type { CompletionQuery } from "../../runtime/queries/as_completed.ts";
import {
  ConflictError,
  ForgottenError,
  NotFoundError,
  PreconditionError,
  ValidationError,
} from "../../runtime/core/errors.ts";
import type { TaskEvent } from "../../runtime/store/event_log.ts";
import type { Runtime } from "../../runtime/mod.ts";
import type { Batch } from "../../runtime/commands/batch.ts";
import type { SubmitCall } from "../../runtime/commands/submit.ts";
import type { GroupOptions } from "../../runtime/core/group_policy.ts";
import type { Submission, SubmitOptions } from "../../runtime/core/submission.ts";
import { isForgotten, isTerminal, stateOf } from "../../runtime/core/task.ts";
import { waitItems } from "../../runtime/core/wait_for.ts";
import type { CheckedWorld } from "./checker.ts";
import { padding, TASKS, type WorkInput } from "./definitions.ts";
import { QUOTED } from "./dependencies.ts";
import type { Upstream, Wants } from "./wants.ts";
import { allUpstreams, conditionItems, isSame, withConditions } from "./conditions.ts";
import { drawGraph, fanOut } from "./graphs.ts";
import { FORMS } from "./replacements.ts";
import type { Pauses } from "./pauses.ts";
import { drawCompensation } from "./compensations.ts";
import { drawPolicy } from "./groups.ts";
import { LISTS } from "./lists.ts";
import type { Random } from "../support/random.ts";
import { argsRepr } from "../../routes/wire/shown_input.ts";
import { Died, type SimProcess } from "./process.ts";
import { drawSchedule } from "./schedules.ts";
import { secretOf } from "./secrets.ts";
import { maybeCached, mayRefuse, uniqueSubmissions } from "./unique.ts";

/** What became of a call. */
type Answer<T> = { value: T } | { refused: Error } | "unknown";

/** A call as a caller makes it, and makes again. */
interface Call {
  /**
   * Where ids are drawn for each try, as a route for flows does, they are made by the process that is
   * asked.
   */
  submissions: Submission[] | ((draw: () => string) => Submission[]);
  group?: boolean;
  atomic?: boolean;
  /** So many of the group run at once. */
  maxConcurrent?: number;
  /** Tasks that are not of the call, and that it needs. */
  needs?: string[];
}

const OWN_ERRORS = [ConflictError, ForgottenError, NotFoundError, PreconditionError, ValidationError];

/** Instants at which callers begin. */
const BEGIN_WITHIN_MS = 5_000;
const LONGEST_RETENTION_MS = 4_000;
const TAGS = ["red", "blue"];
const KEYS = ["a", "b", "c"];

/** A world with processes to call. */
export interface WorkingWorld extends CheckedWorld {
  readonly pauses: Pick<Pauses, "queueOfSubmit">;
  someProcess(): SimProcess | null;
}

export class Workload {
  #asked = 0;
  /** Tasks that were acknowledged. */
  readonly #ids: string[] = [];
  /** Of these, the ones that wait for nobody. */
  readonly #freeIds: string[] = [];
  /** By the call that made them. */
  readonly #groups = new Map<string, string>();
  readonly #policies = new Map<string, GroupOptions | undefined>();
  readonly #compensations = new Map<string, SubmitOptions["compensate"]>();
  #calls = 0;
  #working = 0;
  #streaming = 0;
  #followed: string | null = null;

  constructor(private readonly world: WorkingWorld) {}

  get ids(): readonly string[] {
    return this.#ids;
  }

  get freeIds(): readonly string[] {
    return this.#freeIds;
  }

  /** How many callers are not done. */
  get working(): number {
    return this.#working;
  }

  /** Of these, how many wait for whatever a stream has to tell. */
  get streaming(): number {
    return this.#streaming;
  }

  start(callers: number): void {
    for (let i = 0; i < callers; i++) this.#begin(`c${i}`, this.world.random.pick(this.#stories));
  }

  /** Somebody who sets rules for limits, and takes them away. */
  startOperator(limits: Random): void {
    this.#begin("op", (who) => this.#changeRules(who, limits), limits.below(2_000));
  }

  async #changeRules(who: string, limits: Random): Promise<void> {
    const { world } = this;
    for (let times = 3 + limits.below(6); times > 0; times--) {
      const pattern = limits.pick([...KEYS, "*"]);
      const caller = callerWithin(world.tenant);
      const answer = await this.#try(async (runtime) => {
        const view = runtime.for(caller);
        if (times < 3) return await view.removeLimitRule(pattern);
        return await view.setLimitRule(pattern, {
          concurrency: 1 + limits.below(4),
          rateLimit: limits.chance(0.5) ? { limit: 1 + limits.below(20), periodMs: 100 } : undefined,
        });
      });
      if (answer !== "unknown") world.note(who, `changes the rule ${pattern}`);
      await world.scheduler.sleep(limits.below(1_500));
    }
    for (const pattern of [...KEYS, "*"]) {
      await this.#try((runtime) => runtime.for(callerWithin(world.tenant)).removeLimitRule(pattern));
    }
  }

  /** Callers whose calls take several commits: they may be held up in between. */
  startLong(callers: number): void {
    for (let i = 0; i < callers; i++) this.#begin(`l${i}`, (who) => this.#submitLongGroup(who));
  }

  /** Each of them is made, perhaps paused for a while, and perhaps triggered. */
  startSchedules(random: Random): void {
    const many = 1 + random.below(4);
    for (let i = 0; i < many; i++) {
      this.#begin(`x${i}`, (who) => this.#haveSchedule(who, random), random.below(2_000));
    }
  }

  async #haveSchedule(who: string, random: Random): Promise<void> {
    const { scheduler } = this.world;
    const config = drawSchedule(random);
    const caller = this.#caller;
    const pause = random.chance(0.3) ? { after: random.below(3_000), ms: random.below(3_000) } : null;
    const isTriggered = random.chance(0.3);
    await this.#ask((runtime) => runtime.for(caller).schedules.put(who, config));
    this.world.note(who, `has a schedule: ${JSON.stringify(config)}`);
    if (isTriggered) await this.#try((runtime) => runtime.for(caller).schedules.trigger(who));
    if (!pause) return;
    await scheduler.sleep(pause.after);
    await this.#ask((runtime) => runtime.for(caller).schedules.pause(who, "for a while"));
    await scheduler.sleep(pause.ms);
    await this.#ask((runtime) => runtime.for(caller).schedules.resume(who));
  }

  /** A task that many wait for. While they are told of its end, others run that must not crash. */
  startFollowed(): void {
    this.#begin("f", (who) => this.#submitFollowed(who), this.world.random.below(1_000));
  }

  /** True of the key of a task that many wait for, once it has ended. */
  isFollowedEnd([kind, id]: Deno.KvKey): boolean {
    if (kind !== "task" || id !== this.#followed) return false;
    const stored = this.world.checker.tasks.get(id as string);
    return stored !== undefined && !isForgotten(stored) && isTerminal(stored);
  }

  /** Tasks whose functions put others in their place. */
  startReplaced(random: Random): void {
    for (let i = 0; i < 3; i++) {
      this.#begin(`r${i}`, (who) => this.#submitReplaced(who, random), random.below(4_000));
    }
  }

  async #submitReplaced(who: string, random: Random): Promise<void> {
    const { scheduler, checker } = this.world;
    const submission = this.#calm();
    const inputs = Array.from(
      { length: 1 + random.below(random.chance(0.1) ? 30 : 4) },
      () => this.#calmInput(),
    );
    submission.input = { ...this.#calmInput(), replace: { form: random.pick(FORMS), inputs } };
    submission.options!.retry = random.chance(0.5)
      ? { maxAttempts: 3, delayMs: random.below(300) }
      : undefined;
    submission.options!.timeoutMs = random.chance(0.3) ? 50 + random.below(1_000) : undefined;
    const ids = await this.#submitOnce(who, { submissions: [submission] });
    if (!ids) return;
    if (random.chance(0.4)) await this.#submitWoven(who, [this.#wants([{ id: ids[0] }])], [this.#calm()]);
    if (random.chance(0.3)) return;
    await scheduler.sleep(random.chance(0.5) ? random.float() * 60 : random.float() * 2_000);
    if (random.chance(0.4)) await this.#cancel(who, ids[0], random.chance(0.5) ? true : undefined);
    else await this.#disturb(who, [...ids, ...checker.children.ids]);
  }

  /** Callers whose submits meet under unique keys. */
  startUnique(callers: number): void {
    for (let i = 0; i < callers; i++) this.#begin(`u${i}`, (who) => this.#submitUnique(who));
  }

  #begin(who: string, story: (who: string) => Promise<void>, at = this.#someTime()): void {
    const { scheduler } = this.world;
    this.#working++;
    scheduler.after(at, () => {
      story(who).catch((error) => {
        this.world.checker.violated("caller", `${who} got ${error instanceof Error ? error.stack : error}`);
      }).finally(() => this.#working--);
    });
  }

  /** Bursts, so that commits are shared and conflicts are many. */
  #someTime(): number {
    const { random } = this.world;
    return random.chance(0.5) ? random.below(4) * 1_500 : random.float() * BEGIN_WITHIN_MS;
  }

  readonly #stories = [
    (who: string) => this.#submitOne(who),
    (who: string) => this.#submitOne(who),
    (who: string) => this.#submitAndCancel(who),
    (who: string) => this.#submitGroup(who),
    (who: string) => this.#submitGroup(who),
    (who: string) => this.#submitTwice(who),
    (who: string) => this.#submitTwice(who),
    (who: string) => this.#takeAnId(who),
    (who: string) => this.#cancelSome(who),
    (who: string) => this.#retrySome(who),
    (who: string) => this.#retrySome(who),
    (who: string) => this.#forgetSome(who),
    (who: string) => this.#waitForSome(who),
    (who: string) => this.#readEvents(who),
    (who: string) => this.#readCompletions(who),
    (who: string) => this.#readTagged(who),
    (who: string) => this.#dependOnSome(who),
    (who: string) => this.#dependOnSome(who),
    (who: string) => this.#submitGraph(who),
    (who: string) => this.#submitGraph(who),
    (who: string) => this.#submitGraphTwice(who),
    (who: string) => this.#mendUpstream(who),
    (who: string) => this.#submitWhole(who),
    (who: string) => this.#submitParent(who),
    (who: string) => this.#submitParent(who),
    (who: string) => this.#readLists(who),
    (who: string) => this.#readLists(who),
  ];

  async #submitOne(who: string): Promise<void> {
    const id = await this.#submitOnce(who, { submissions: [this.#submission()] });
    if (id && this.world.random.chance(0.3)) await this.#follow(who, id[0]);
  }

  async #submitAndCancel(who: string): Promise<void> {
    const { scheduler, random } = this.world;
    const ids = await this.#submitOnce(who, { submissions: [this.#submission()] });
    if (!ids) return;
    await scheduler.sleep(random.chance(0.5) ? random.float() * 5 : random.float() * 2_000);
    await this.#cancel(who, ids[0]);
  }

  async #submitGroup(who: string): Promise<void> {
    const { random } = this.world;
    const call = this.#call();
    const keyed = random.chance(0.5);
    const many = random.chance(0.2) ? 15 + random.below(25) : 1 + random.below(6);
    const submissions = Array.from({ length: many }, () => this.#submission());
    const maxConcurrent = random.chance(0.4) ? 1 + random.below(3) : undefined;
    const ids = keyed
      ? await this.#submitKeyed(who, call, { submissions, group: true, maxConcurrent })
      : await this.#submitOnce(who, { submissions, group: true, maxConcurrent }, call);
    const groupId = this.#groups.get(call);
    const { followers } = this.world;
    const wait = groupId && followers ? 1 + followers.below(4) : 0;
    const following = Array.from(
      { length: wait },
      () => this.#dependOnGroup(`${who}+`, groupId!, followers!),
    );
    if (groupId && this.world.groups?.chance(0.2)) await this.#cancelGroup(who, groupId);
    await Promise.all(following);
    if (ids && groupId && random.chance(0.7)) await this.#complete(who, { groupId }, ids.length);
  }

  /** A task that waits for a group, often for one that is under way. */
  async #dependOnGroup(who: string, group: string, random: Random): Promise<void> {
    await this.world.scheduler.sleep(random.chance(0.6) ? random.float() * 30 : random.float() * 2_000);
    const upstreams: Upstream[] = [{ id: group }];
    const others = this.#ids;
    if (others.length > 0 && random.chance(0.2)) upstreams.push({ id: random.pick(others) });
    const wants: Wants = { from: [], waitFor: upstreams, allowFailure: random.chance(0.25) };
    if (random.chance(0.4)) Object.assign(wants, { from: [{ id: group }], waitFor: upstreams.slice(1) });
    await this.#submitWoven(who, [random.chance(0.4) ? withConditions(wants, random) : wants], [
      this.#calm(),
    ]);
  }

  async #cancelGroup(who: string, group: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.groups!.below(300));
    const answer = await this.#ask((runtime) => {
      return runtime.cancelGroup(group, { reason: "on request", graceMs: 50 });
    });
    if (answer !== "unknown" && "value" in answer) world.note(who, `cancels the group ${group}`);
  }

  async #submitUnique(who: string): Promise<void> {
    const { random, checker, scheduler } = this.world;
    for (let n = 0; n < 4; n++) {
      const name = this.#call();
      const group = random.chance(0.3);
      const call = { submissions: uniqueSubmissions(random, () => this.#calm()), group };
      const idempotency = random.chance(0.5) ? { key: name, fingerprint: name } : undefined;
      for (let tries = 0; tries < (idempotency ? 100 : 1); tries++) {
        const answer = await this.#try((runtime) =>
          runtime.submit({ ...this.#marked(name, call), idempotency })
        );
        const isBusy = answer !== "unknown" && "refused" in answer &&
          /under way/.test(answer.refused.message);
        if (answer === "unknown" || isBusy) {
          await scheduler.sleep(random.between(20, 300));
          continue;
        }
        if ("value" in answer) this.#gotUnique(who, name, answer.value);
        else if (mayRefuse(answer.refused)) {
          this.world.note(who, `submits ${name}: ${answer.refused.message}`);
          // What a call of several commits has stored stays, if a key is taken then; and an earlier try may
          // be under way still.
          if (call.submissions.length === 1 && tries === 0) checker.refused(name, answer.refused.message);
        } else checker.violated("2", `${name} was refused: ${answer.refused.message}`);
        break;
      }
      await scheduler.sleep(random.between(0, 1_500));
    }
  }

  #gotUnique(who: string, name: string, { ids, groupId }: Awaited<ReturnType<Runtime["submit"]>>): void {
    const { world } = this;
    world.note(who, `submits ${name}: ${ids.map((id) => world.nameOf(id))}`);
    world.checker.ackedUnique(name, ids);
    for (const id of ids) if (!this.#ids.includes(id)) this.#ids.push(id);
    if (groupId) this.#groups.set(name, groupId);
    this.#lookAgain(who, world.random.pick(ids));
  }

  async #submitFollowed(who: string): Promise<void> {
    const { random } = this.world;
    const lasting = (ms: number, priority: number): Submission => {
      const input = { ...this.#calmInput(), ms, fails: 0, permanent: false };
      return { task: "work", input, options: { priority, maxCrashes: 0 } };
    };
    const wants = fanOut(250 + random.below(100)).map((places): Wants => {
      return { from: [], waitFor: places.map((place) => ({ place })), allowFailure: false };
    });
    const submissions = [lasting(400, 10), ...wants.slice(1).map(() => this.#calm())];
    const ids = await this.#submitWoven(who, wants, submissions);
    if (!ids) return;
    this.#followed = ids[0];
    const sleepers = Array.from({ length: 3 + random.below(6) }, () => lasting(3_000, 9));
    await this.#submitOnce(who, { submissions: sleepers });
  }

  async #submitLongGroup(who: string): Promise<void> {
    const { random } = this.world;
    const submissions = Array.from({ length: 20 + random.below(30) }, () => this.#calm());
    const call = { submissions, group: true };
    if (random.chance(0.5)) await this.#submitKeyed(who, this.#call(), call);
    else await this.#submitOnce(who, call);
  }

  /** The same call from two callers at about the same time, each repeating it until there is an answer. */
  async #submitTwice(who: string): Promise<void> {
    const { random, scheduler } = this.world;
    const call = this.#call();
    const many = random.chance(0.3) ? 12 : 1 + random.below(2);
    const submissions = Array.from({ length: many }, () => this.#submission());
    const twin = async () => {
      if (random.chance(0.7)) await scheduler.sleep(random.float() * (random.chance(0.5) ? 10 : 3_000));
      return await this.#submitKeyed(`${who}'`, call, { submissions });
    };
    await Promise.all([this.#submitKeyed(who, call, { submissions }), twin()]);
  }

  /** An id of the caller's own, wanted by two calls: one of them must be refused. */
  async #takeAnId(who: string): Promise<void> {
    const id = this.#newId();
    const submit = () => this.#submitOnce(who, { submissions: [{ ...this.#submission(), id }] });
    const both = await Promise.all([submit(), submit()]);
    if (both[0] && both[1]) this.world.checker.violated("2", `two calls were given the id ${id}`);
  }

  /**
   * A task that waits for some that are there: they run, are just ending, or have ended one way or
   * another.
   */
  async #dependOnSome(who: string): Promise<void> {
    const { world } = this;
    for (let tries = 0; tries < 5 && this.#ids.length === 0; tries++) await world.scheduler.sleep(300);
    const newest = this.#ids.slice(-3);
    const some = (world.random.chance(0.5) ? newest : this.#someIds()).slice(0, 1 + world.random.below(4));
    if (some.length === 0) return;
    const wants = this.#wants([...new Set(some)].map((id) => ({ id })));
    const ids = await this.#submitWoven(who, [wants], [this.#calm()]);
    if (ids && world.random.chance(0.5)) await this.#disturb(who, some);
    if (ids && world.random.chance(0.3)) await this.#follow(who, ids[0]);
  }

  async #submitGraph(who: string): Promise<void> {
    const { random } = this.world;
    const wants = this.#graph();
    const ids = await this.#submitWoven(who, wants, wants.map(() => maybeCached(random, this.#calm())));
    if (ids && random.chance(0.5)) await this.#disturb(who, ids);
  }

  /** The same graph from two callers at about the same time. */
  async #submitGraphTwice(who: string): Promise<void> {
    const { random, scheduler } = this.world;
    const name = this.#call();
    const call = this.#woven(name, this.#graph());
    const twin = async () => {
      if (random.chance(0.7)) await scheduler.sleep(random.float() * (random.chance(0.5) ? 10 : 3_000));
      return await this.#submitKeyed(`${who}'`, name, call);
    };
    await Promise.all([this.#submitKeyed(who, name, call), twin()]);
  }

  /** One of a graph fails, and is run again with success: what it had cancelled goes on. */
  async #mendUpstream(who: string): Promise<void> {
    const { world } = this;
    const wants = this.#graph();
    const place = wants.findIndex(({ from, waitFor }) => from.length + waitFor.length === 0);
    const submissions = wants.map(() => this.#calm());
    const failing = submissions[Math.max(0, place)];
    failing.input = { ...this.#calmInput(), fails: 1 };
    failing.options = { retry: { maxAttempts: 1 } };
    const ids = await this.#submitWoven(who, wants, submissions);
    if (!ids) return;
    const id = ids[Math.max(0, place)];
    // A later one waits for it, too: in blocks, not in its record.
    if (world.random.chance(0.6)) {
      await this.#submitWoven(who, [this.#wants([{ id }, { id: world.random.pick(ids) }])], [this.#calm()]);
    }
    for (let tries = 0; tries < 8; tries++) {
      await world.scheduler.sleep(world.random.float() * 1_000);
      if (await this.#retry(who, id)) return;
    }
  }

  /** Tasks that wait for nothing but each other's being there. */
  async #submitWhole(who: string): Promise<void> {
    const { random } = this.world;
    const many = random.chance(0.5) ? 20 + random.below(30) : 1 + random.below(5);
    const wants = Array.from({ length: many }, () => ({ from: [], waitFor: [], allowFailure: false }));
    const disturbing = random.chance(0.5) ? this.#disturbUnderWay(`${who}'`) : null;
    const calling = this.#submitWoven(who, wants, wants.map(() => this.#calm()));
    const [ids] = await Promise.all([calling, disturbing]);
    if (ids && random.chance(0.3)) await this.#disturb(who, ids);
  }

  /** Cancels and retries a task whose call is not stored whole. */
  async #disturbUnderWay(who: string): Promise<void> {
    const { random, scheduler, checker } = this.world;
    for (let tries = 0; tries < 100; tries++) {
      await scheduler.sleep(random.float() * 4);
      const ids = checker.dependencies.underWay();
      if (ids.length === 0) continue;
      const id = random.pick(ids);
      await this.#cancel(who, id);
      if (await this.#retry(who, id, random.chance(0.3) ? this.#calmInput() : undefined)) return;
    }
  }

  /** A task whose function submits others; often it is cancelled with them. */
  async #submitParent(who: string): Promise<void> {
    const { random, scheduler } = this.world;
    const parent = this.#calm();
    parent.input = this.#parentInput(2);
    if (random.chance(0.5)) parent.options!.retry = { maxAttempts: 3, delayMs: random.below(300) };
    const group = this.world.groups?.chance(0.6);
    const ids = await this.#submitOnce(who, { submissions: [parent], group });
    if (!ids || random.chance(0.3)) return;
    await scheduler.sleep(random.chance(0.5) ? random.float() * 60 : random.float() * 2_000);
    if (random.chance(0.7)) await this.#cancel(who, ids[0], true);
    else await this.#disturb(who, [...ids, ...this.world.checker.children.ids]);
  }

  #parentInput(depth: number): WorkInput {
    const { random } = this.world;
    const child = () => depth > 1 && random.chance(0.15) ? this.#parentInput(depth - 1) : this.#calmInput();
    return {
      ...this.#calmInput(),
      children: Array.from({ length: 1 + random.below(4) }, child),
      waits: random.pick(["each", "all", "all", "never"]),
    };
  }

  /** Does something to those that others wait for. */
  async #disturb(who: string, ids: string[]): Promise<void> {
    const { random, scheduler } = this.world;
    for (let times = 1 + random.below(3); times > 0; times--) {
      await scheduler.sleep(random.chance(0.5) ? random.float() * 50 : random.float() * 2_000);
      const id = random.pick(ids);
      const what = random.pick(["cancel", "retry", "retry", "forget"]);
      if (what === "cancel") await this.#cancel(who, id);
      else if (what === "retry") await this.#retry(who, id);
      else await this.#forget(who, id);
    }
  }

  /** Submits tasks of which each wants something, repeating it under a key or not. */
  async #submitWoven(who: string, wants: Wants[], submissions: Submission[]): Promise<string[] | null> {
    const name = this.#call();
    const call = this.#woven(name, wants, submissions);
    const ids =
      await (this.world.random.chance(0.5)
        ? this.#submitKeyed(who, name, call)
        : this.#submitOnce(who, call, name));
    const taken = wants.flatMap(({ from }) => from).flatMap((one) =>
      typeof one === "object" && "id" in one ? [one.id] : []
    );
    const ignored = taken.find((id) => this.world.checker.secrets.isIgnored(id));
    if (ids && ignored !== undefined) {
      this.world.checker.violated(
        "ignore-result",
        `${name} takes what ${this.world.nameOf(ignored)} does not keep`,
      );
    }
    return ids;
  }

  #woven(name: string, wants: Wants[], submissions = wants.map(() => this.#calm())): Call {
    const { random, checker } = this.world;
    checker.dependencies.called(name, wants);
    const idOf = (upstream: Upstream, own: string[]) =>
      "id" in upstream ? bare(upstream.id) : own[upstream.place];
    const graph = (own: string[]) =>
      submissions.map(({ task, input, options }, i): Submission => {
        const { from, waitFor, allowFailure, conditions } = wants[i];
        const referenceTo = (one: Upstream) => {
          const isLenient = conditions?.lenient.some((other) => isSame(one, other));
          return { $task: idOf(one, own), ...(isLenient && { $allowFailure: true }) };
        };
        const refs = from.map((one) => one === "quoted" ? { $quote: QUOTED } : referenceTo(one));
        const items = conditionItems(wants[i], (one) => idOf(one, own));
        return {
          task,
          id: own[i],
          input: from.length > 0 ? { ...input as WorkInput, from: refs } : input,
          options: { ...options, waitFor: [...waitFor.map((one) => idOf(one, own)), ...items], allowFailure },
        };
      });
    const needs = wants.flatMap(allUpstreams).flatMap((one) => "id" in one ? [one.id] : []);
    const group = random.chance(0.3);
    const drawn = random.chance(0.8);
    const rest = { group, atomic: true, needs };
    if (!drawn) return { submissions: graph(wants.map(() => this.#newId())), ...rest };
    // A concurrency limit goes by the order of drawn ids, and its tasks wait in it: none of them may wait for
    // one outside.
    const inside = wants.flatMap(allUpstreams).some((one) => "place" in one);
    const maxConcurrent = group && !inside && random.chance(0.5) ? 1 + random.below(3) : undefined;
    return { submissions: (draw) => graph(wants.map(draw)), ...rest, maxConcurrent };
  }

  /** Tasks of one call that wait for each other; some of them for others, too. */
  #graph(): Wants[] {
    const { random } = this.world;
    const outside = random.chance(0.4) ? this.#someIds() : [];
    const wide = random.chance(0.3);
    return drawGraph(random).map((places) => {
      const upstreams: Upstream[] = places.map((place) => ({ place }));
      if (outside.length > 0 && random.chance(wide ? 0.8 : 0.2)) upstreams.push({ id: random.pick(outside) });
      return this.#wants(upstreams);
    });
  }

  #wants(upstreams: Upstream[]): Wants {
    const { random } = this.world;
    const wants: Wants = { from: [], waitFor: [], allowFailure: random.chance(0.25) };
    for (const upstream of upstreams) {
      if (random.chance(0.7)) wants.from.push(upstream);
      if (random.chance(0.2) || !wants.from.includes(upstream)) wants.waitFor.push(upstream);
    }
    if (random.chance(0.1)) wants.from.push("quoted");
    return withConditions(wants, this.world.conditions);
  }

  async #cancelSome(who: string): Promise<void> {
    const id = this.#someId();
    if (id) await this.#cancel(who, id);
  }

  async #cancel(who: string, id: string, children?: boolean): Promise<void> {
    const { world } = this;
    const graceMs = world.random.pick([0, 50, 500]);
    const answer = await this.#ask((runtime) => {
      // Nothing is drawn for these, so that seeds stay what they are.
      return runtime.cancel(id, {
        reason: "on request",
        graceMs,
        children,
        onlyWaiting: !children && graceMs === 0 && /[02468ace]$/.test(bare(id)),
        keepResult: graceMs === 500,
      });
    });
    if (answer === "unknown") return;
    if ("refused" in answer) return this.#requireGone(id, "to be cancelled", answer.refused);
    const { outcome } = answer.value;
    world.note(who, `cancels ${world.nameOf(id)}${children ? " with its children" : ""}: ${outcome}`);
    if (outcome !== "too_late") world.checker.cancelled(id);
    if (children) world.checker.cancelledWithChildren(id);
  }

  async #retrySome(who: string): Promise<void> {
    const { world } = this;
    for (let tries = 0; tries < 5; tries++) {
      await world.scheduler.sleep(world.random.float() * 3_000);
      const id = this.#someId();
      if (!id) continue;
      const input = world.random.chance(0.3) ? { ...this.#input(), pad: padding(20_000) } : undefined;
      if (await this.#retry(who, id, input)) return;
    }
  }

  /** @returns whether it is run again. */
  async #retry(who: string, id: string, input?: WorkInput): Promise<boolean> {
    const { world } = this;
    world.checker.asked("retry", id);
    const answer = await this.#try((runtime) => runtime.retry(id, input));
    if (answer === "unknown" || "refused" in answer && answer.refused instanceof ConflictError) return false;
    if ("refused" in answer) {
      this.#requireGone(id, "to be retried", answer.refused);
      return false;
    }
    world.note(who, `retries ${world.nameOf(id)}`);
    return true;
  }

  async #forgetSome(who: string): Promise<void> {
    const { world } = this;
    for (let tries = 0; tries < 5; tries++) {
      await world.scheduler.sleep(world.random.float() * 2_000);
      const id = this.#someId();
      if (!id) continue;
      if (await this.#forget(who, id)) return;
    }
  }

  async #forget(who: string, id: string): Promise<boolean> {
    const { world } = this;
    world.checker.asked("forget", id);
    const answer = await this.#try((runtime) => runtime.forget(id));
    if (answer === "unknown" || "refused" in answer) return false;
    world.note(who, `forgets ${world.nameOf(id)}`);
    return true;
  }

  async #waitForSome(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const ids = this.#someIds();
    if (ids.length === 0) return;
    const answer = await this.#ask((runtime) =>
      runtime.wait(ids, "ALL_COMPLETED", 5_000, { mustExist: false })
    );
    if (answer === "unknown" || "refused" in answer) return;
    for (const entry of answer.value.done) world.checker.toldEnded(entry);
    world.note(who, `waited: ${answer.value.done.length} of ${ids.length} done`);
  }

  async #readEvents(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const id = this.#someId();
    if (id) await this.#follow(who, id);
  }

  /** Reads a task's events to their end, cut now and then, each time going on from the last one. */
  async #follow(who: string, id: string): Promise<void> {
    const { world } = this;
    let after = 0;
    for (let ended = false; !ended;) {
      const left = new AbortController();
      const answer = await this.#try(async (runtime) => {
        const entry = await runtime.task(id);
        const pages = runtime.events(entry, after, left.signal);
        for (;;) {
          const { value, done } = await pages.next();
          // The caller has hung up meanwhile, and is being served elsewhere.
          if (left.signal.aborted) return "cut" as const;
          if (done) return "over" as const;
          for (const event of value) {
            world.checker.event(id, event.seq, after, said(event));
            after = event.seq;
            if (event.kind === "end") ended = true;
            if (!ended && world.random.chance(0.1)) return "cut" as const;
          }
        }
      }, 8_000);
      left.abort();
      if (answer === "unknown") await world.scheduler.sleep(100);
      else if ("refused" in answer) return this.#requireGone(id, "by a stream", answer.refused);
      // A stream that ends before the task does is a task that is gone.
      else if (answer.value === "over" && !ended) await world.scheduler.sleep(500);
    }
    world.note(who, `read ${after} events of ${world.nameOf(id)}`);
  }

  async #readCompletions(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const ids = this.#someIds();
    if (ids.length > 0) await this.#complete(who, { ids }, new Set(ids).size);
  }

  /** Pages of several lists, while tasks move. */
  async #readLists(who: string): Promise<void> {
    const { checker, random, scheduler } = this.world;
    for (let n = 0; n < 6; n++) {
      await scheduler.sleep(random.float() * 1_500);
      const filters = random.pick(LISTS);
      const limit = 1 + random.below(20);
      const look = checker.lists.begin(filters);
      const shown: string[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const answer = await this.#ask(async (runtime) => {
          const page = await runtime.list({
            ...filters,
            limit,
            cursor: cursor ?? undefined,
            caller: this.#caller,
          });
          for (const { record } of page.entries) {
            checker.secrets.shown(argsRepr(runtime.registry, record) ?? "", "argsRepr");
          }
          return page;
        });
        if (answer === "unknown" || "refused" in answer) break;
        shown.push(...answer.value.entries.map(({ record }) => record.id));
        cursor = answer.value.nextCursor;
      }
      checker.lists.end(look);
      if (cursor === null) checker.toldListed(who, look, shown);
    }
  }

  /** Of all tasks with a tag, as many as there are when the stream begins. */
  async #readTagged(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 5_000);
    const tag = world.random.pick(TAGS);
    this.#streaming++;
    await this.#complete(who, { tag }, null);
    this.#streaming--;
  }

  /**
   * Reads a stream of completions to its end, cut now and then.
   *
   * @param total null if the stream says it itself
   */
  async #complete(who: string, query: CompletionQuery, total: number | null): Promise<void> {
    const { world } = this;
    const got = new Set<string>();
    /** Those that were there when the stream began. */
    let expected: string[] = [];
    let cursor: string | undefined;
    for (let ended = false; !ended;) {
      const left = new AbortController();
      if ("tag" in query && cursor === undefined) expected = world.checker.tagged(query.tag);
      const answer = await this.#try(async (runtime) => {
        const events = await runtime.completions.open(
          "tag" in query ? { ...query, caller: this.#caller } : query,
          {
            timeoutMs: null,
            cursor,
            signal: left.signal,
          },
        );
        if (!events) throw new Error("a stream ended at a cursor that was none of an end");
        for (;;) {
          const { value: event, done } = await events.next();
          if (done || left.signal.aborted) return;
          cursor = event.cursor;
          if (event.kind === "timeout") world.checker.violated("14", "a stream without a deadline timed out");
          if (event.kind === "task") {
            if (got.has(event.id)) {
              world.checker.violated("14", `${world.nameOf(event.id)} was told as completed twice to ${who}`);
            }
            got.add(event.id);
            if (event.entry) world.checker.toldEnded(event.entry);
          } else {
            if (event.kind === "end") total ??= event.total;
            ended = true;
            return;
          }
          if (world.random.chance(0.2)) return;
        }
      }, 8_000);
      left.abort();
      if (answer === "unknown") await world.scheduler.sleep(100);
      else if ("refused" in answer) {
        // At the start of a stream of ids all must be there: one may have been forgotten, or its retention
        // may be over.
        if ("tag" in query) {
          world.checker.violated("14", `a stream by tag broke off: ${answer.refused.message}`);
        }
        return;
      }
    }
    if ("tag" in query) world.checker.toldTagged(who, query.tag, expected, got);
    if (got.size !== total) {
      world.checker.violated("14", `${who} was told of ${got.size} completions of ${total}`);
    }
    world.note(who, `was told of ${total} completions`);
  }

  /** Submits and does not repeat it. */
  async #submitOnce(
    who: string,
    call: Call,
    name = this.#call(),
  ): Promise<string[] | null> {
    const { world } = this;
    const answer = await this.#try((runtime) => runtime.submit(this.#marked(name, call)));
    if (answer === "unknown") {
      world.note(who, `submits ${name}: no answer`);
      return null;
    }
    if ("refused" in answer) {
      world.note(who, `submits ${name}: ${answer.refused.message}`);
      const { submissions } = call;
      const takes = Array.isArray(submissions) && submissions.some(({ id }) => id !== undefined) &&
        !call.needs;
      const [, taken] = /^id (\S+) is taken$/.exec(answer.refused.message) ?? [];
      if (taken && !world.checker.wasStored(inTenant(taken, world.tenant))) {
        world.checker.violated("12", `${name} was refused: ${taken} is taken, and was never stored`);
      }
      if (!takes && !this.#mayBeRefused(call, answer.refused)) {
        world.checker.violated("12", `${name} was refused: ${answer.refused.message}`);
      }
      world.checker.refused(name, answer.refused.message);
      return null;
    }
    return this.#acknowledged(who, name, answer.value);
  }

  /** What it needs is gone; or it took so long, by somebody's clock, that it was given up. */
  #mayBeRefused({ needs = [] }: Call, error: Error): boolean {
    if (error instanceof ConflictError && /was given up/.test(error.message)) return true;
    const isGone = error instanceof ValidationError || /was deleted meanwhile/.test(error.message);
    const { checker } = this.world;
    return isGone && needs.some((id) => checker.mayBeGone(id) || checker.secrets.isIgnored(id));
  }

  /** Submits under an idempotency key until there is an answer. */
  async #submitKeyed(who: string, name: string, call: Call): Promise<string[] | null> {
    const { world } = this;
    const idempotency = { key: name, fingerprint: name };
    for (;;) {
      const answer = await this.#try((runtime) =>
        runtime.submit({ ...this.#marked(name, call), idempotency })
      );
      if (answer !== "unknown" && "value" in answer) return this.#acknowledged(who, name, answer.value);
      if (answer !== "unknown" && this.#mayBeRefused(call, answer.refused)) {
        world.note(who, `submits ${name}: ${answer.refused.message}`);
        return null;
      }
      const busy = answer !== "unknown" && answer.refused instanceof ConflictError;
      if (answer !== "unknown" && !busy) {
        world.checker.violated("2", `${name} was refused: ${answer.refused.message}`);
      }
      if (busy && !/still under way/.test(answer.refused.message)) {
        world.checker.violated("2", `${name} was refused: ${answer.refused.message}`);
      }
      await world.scheduler.sleep(world.random.between(20, 500));
    }
  }

  #acknowledged(
    who: string,
    name: string,
    { entries, groupId, replayed }: Awaited<ReturnType<Runtime["submit"]>>,
  ): string[] {
    const { world } = this;
    const ids = entries.map(({ record }) => record.id);
    world.note(who, `submits ${name}: ${replayed ? "again " : ""}${ids.map((id) => world.nameOf(id))}`);
    world.checker.acked(name, ids);
    const isFree = !world.checker.dependencies.isWhole(name);
    for (const id of ids.filter((id) => !this.#ids.includes(id))) {
      this.#ids.push(id);
      if (isFree) this.#freeIds.push(id);
    }
    if (groupId) this.#groups.set(name, groupId);
    this.#lookAgain(who, world.random.pick(ids));
    return ids;
  }

  /** What was acknowledged can be read at once, in any process. */
  #lookAgain(who: string, id: string): void {
    this.#working++;
    this.#ask((runtime) => runtime.task(id)).then((answer) => {
      if (answer === "unknown") return;
      const there = "value" in answer || answer.refused instanceof ForgottenError;
      this.world.checker.isThere(id, `by ${who}`, there);
    }).finally(() => this.#working--);
  }

  #requireGone(id: string, when: string, error: Error): void {
    if (error instanceof ForgottenError) return this.world.checker.isThere(id, when, false);
    if (error instanceof NotFoundError) this.world.checker.isThere(id, when, false);
  }

  /** Asks until somebody answers. */
  async #ask<T>(work: (runtime: Runtime) => Promise<T>): Promise<Answer<T>> {
    for (;;) {
      const answer = await this.#try(work);
      if (answer !== "unknown") return answer;
      await this.world.scheduler.sleep(this.world.random.between(20, 300));
    }
  }

  /** Asks some process once. */
  async #try<T>(work: (runtime: Runtime) => Promise<T>, withinMs?: number): Promise<Answer<T>> {
    const process = this.world.someProcess();
    if (!process) {
      await this.world.scheduler.sleep(100);
      return "unknown";
    }
    try {
      return { value: await process.call(work, withinMs) };
    } catch (error) {
      if (OWN_ERRORS.some((own) => error instanceof own)) return { refused: error as Error };
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      if (!(error instanceof Died)) process.note(`answers with ${error}`);
      return "unknown";
    }
  }

  #call(): string {
    return `s${++this.#calls}`;
  }

  /** Each task says which call made it, so that the checker knows the same task when it sees it. */
  #marked(name: string, { submissions, group, atomic, maxConcurrent }: Call): SubmitCall {
    const batchOf = (all: Submission[]): Batch => ({
      submissions: all.map((submission, n) => ({
        ...submission,
        options: {
          ...submission.options,
          metadata: { call: name, n },
          ...group && this.#takenBack(name, n, submission),
        },
      })),
      pointerOf: (n, part) => `/tasks/${n}${part}`,
    });
    const batch = Array.isArray(submissions)
      ? batchOf(submissions)
      : (newId: () => string) => batchOf(submissions(newId));
    const policy = group ? this.#policyOf(name) : undefined;
    return { batch, group, policy, atomic, maxConcurrent, caller: this.#caller };
  }

  /** A repeat of a call says the same. */
  #policyOf(call: string): GroupOptions | undefined {
    const { groups } = this.world;
    if (!this.#policies.has(call)) {
      this.#policies.set(call, groups?.chance(0.7) ? drawPolicy(groups) : undefined);
    }
    return this.#policies.get(call);
  }

  /** Likewise. */
  #takenBack(call: string, n: number, { options = {} }: Submission): Pick<SubmitOptions, "compensate"> {
    const { compensations } = this.world;
    if (!compensations || options.unique || options.debounce || options.cache) return {};
    const place = `${call}/${n}`;
    if (!this.#compensations.has(place)) {
      const drawn = drawCompensation(compensations, call, n);
      this.#compensations.set(place, compensations.chance(0.6) ? drawn : undefined);
    }
    const compensate = this.#compensations.get(place);
    if (!compensate) return {};
    // What it takes of several tasks is another one's by then.
    const isOneOf = waitItems(options.waitFor).some(({ item }) =>
      typeof item === "object" && "anyOf" in item
    );
    return { compensate: isOneOf ? { ...compensate, into: undefined, immutable: true } : compensate };
  }

  #submission(): Submission {
    const submission = this.#unlimited();
    const { limits } = this.world;
    if (!limits?.chance(0.4)) return submission;
    const keys = KEYS.filter(() => limits.chance(0.5));
    const concurrency = keys.map((key) => ({
      key,
      limit: limits.chance(0.8) ? 1 + limits.below(3) : undefined,
    }));
    const options: SubmitOptions = { ...submission.options };
    if (concurrency.length > 0) options.concurrency = concurrency;
    if (limits.chance(0.4)) {
      options.rateLimit = { key: limits.pick(KEYS), limit: 1 + limits.below(3), periodMs: 50, burst: 2 };
    }
    if (limits.chance(0.4)) {
      options.fairness = { key: limits.pick(KEYS), weight: limits.pick([0.1, 0.1, 1]) };
    }
    return { ...submission, options };
  }

  #unlimited(): Submission {
    const { random } = this.world;
    const sometimes = <T>(probability: number, value: () => T): T | undefined =>
      random.chance(probability) ? value() : undefined;
    return {
      task: random.pick([...TASKS]),
      input: this.#input(),
      options: {
        delayMs: sometimes(0.25, () => random.below(2_500)),
        ttlMs: sometimes(0.15, () => 1 + random.below(3_000)),
        ...timeouts(sometimes(0.15, () => 20 + random.below(400))),
        retry: sometimes(0.5, () => ({
          maxAttempts: 1 + random.below(4),
          delayMs: random.below(400),
          factor: 1 + random.float(),
          jitter: random.chance(0.5),
        })),
        maxCrashes: sometimes(0.3, () => random.below(3)),
        priority: sometimes(0.3, () => random.below(5) - 2),
        queue: this.world.pauses.queueOfSubmit(),
        tags: sometimes(0.2, () => [random.pick(TAGS)]),
        ...retentions(sometimes(0.1, () => random.below(LONGEST_RETENTION_MS))),
        ...this.world.hidden?.chance(0.3) && { ignoreResult: true },
      },
    };
  }

  /** One that completes more often than others, so that what waits for it can run. */
  #calm(): Submission {
    const { random } = this.world;
    const { task, options } = this.#submission();
    const { delayMs, ttlMs, priority, queue, tags, retry, concurrency, rateLimit, fairness } = options!;
    return {
      task,
      input: this.#calmInput(),
      options: {
        delayMs: random.chance(0.4) ? delayMs : undefined,
        ttlMs: random.chance(0.3) ? ttlMs : undefined,
        priority,
        queue,
        tags,
        retry,
        concurrency,
        rateLimit,
        fairness,
        // What others wait for is kept, however short its retention is.
        ...retentions(random.chance(0.2) ? random.below(2_000) : undefined),
      },
    };
  }

  #calmInput(): WorkInput {
    const { random } = this.world;
    const input = this.#input();
    const ms = random.chance(0.8) ? random.below(50) : random.below(1_000);
    const fails = random.chance(0.15) ? 1 : 0;
    return { ...input, ms, fails, poison: false, permanent: random.chance(0.01) };
  }

  #input(): WorkInput {
    const { random } = this.world;
    return {
      ms: random.chance(0.6) ? random.below(50) : random.below(1_500),
      fails: random.chance(0.3) ? 1 + random.below(4) : 0,
      poison: !this.world.shape.isCalm && random.chance(0.02),
      permanent: random.chance(0.05),
      deaf: random.chance(0.1),
      reports: random.chance(0.25) ? 1 + random.below(5) : 0,
      big: random.chance(0.06) ? 20_000 : 0,
      pad: random.chance(0.08) ? padding(20_000) : "",
      ...this.world.hidden?.chance(0.4) && { secret: secretOf(this.world.hidden.below(1_000_000)) },
    };
  }

  /** Most are the first one's. */
  get #caller(): Caller {
    const { tenant, callers } = this.world;
    return callerWithin(tenant, (this.#asked++ % 4 === 3 ? callers[1] : callers[0]) ?? null);
  }

  /** A caller's own. */
  #newId(): string {
    const bytes = new Uint8Array(16);
    this.world.random.fill(bytes);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${
      hex.slice(20)
    }`;
  }

  /** Of the callers' own tasks, or of their children. */
  #someId(): string | undefined {
    const ids = [...this.#ids, ...this.world.checker.children.ids];
    return ids.length === 0 ? undefined : this.world.random.pick(ids);
  }

  #someIds(): string[] {
    if (this.#ids.length === 0) return [];
    return Array.from({ length: 1 + this.world.random.below(6) }, () => this.#someId()!);
  }
}

/** Half of them have a soft limit too. Nothing is drawn for it, so that seeds stay what they are. */
function timeouts(timeoutMs: number | undefined): Pick<SubmitOptions, "timeoutMs" | "softTimeoutMs"> {
  const isSoft = timeoutMs !== undefined && timeoutMs % 2 === 0;
  return isSoft ? { timeoutMs, softTimeoutMs: timeoutMs / 2 } : { timeoutMs };
}

/** Both, or none. They differ, so that neither is taken for the other. */
function retentions(ms: number | undefined): SubmitOptions {
  return ms === undefined ? {} : { retentionMs: ms, failureRetentionMs: LONGEST_RETENTION_MS - ms };
}

/** What an event tells, without what may differ from reader to reader. */
function said(event: TaskEvent): string {
  switch (event.kind) {
    case "state":
      return `state ${event.state.type} ${event.state.name} ${event.attempt}`;
    case "result":
    case "failure":
    case "end":
      if (!isTerminal(event.entry.record)) throw new Error("an end was told of a task that has not ended");
      return `${event.kind} ${stateOf(event.entry.record).type} ${event.attempt}`;
    case "progress":
      return `progress ${event.attempt} ${event.progress.current}`;
    case "log":
      return `log ${event.attempt} ${event.message}`;
    case "chunk":
      return `chunk ${event.attempt} ${event.chunk}`;
    case "error":
      return `error ${event.state.type} ${event.attempt}`;
  }
}
