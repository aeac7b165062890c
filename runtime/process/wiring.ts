// Builds the parts of the engine and connects them.

import { bulkDefinition } from "../commands/bulk/bulk.ts";
import type { CommandContext } from "../commands/context.ts";
import { QueueControl } from "../commands/queue_control.ts";
import { QueueLimit } from "../commands/queue_limit.ts";
import { StoredLimit } from "../commands/stored_limit.ts";
import { Submitter } from "../commands/submit.ts";
import { UnavailableError } from "../core/errors.ts";
import { RevivedError } from "../core/thrown_error.ts";
import { UNCOUNTED } from "../core/usage.ts";
import { DEFAULT_QUEUE, type ServedQueues, slotsOfAll } from "../core/queue.ts";
import { Registry } from "../core/registry.ts";
import { isForgotten, isReady, isTerminal, type TaskRecord } from "../core/task.ts";
import { Controls } from "../queues/controls.ts";
import { declaredConcurrency } from "../queues/declared_concurrency.ts";
import { OutboxProcessor } from "../dependencies/outbox_processor.ts";
import { GarbageCollector } from "../maintenance/garbage_collector.ts";
import { Reaper } from "../maintenance/reaper.ts";
import { Reconciler } from "../maintenance/reconciler.ts";
import { TimerLoop, together } from "../maintenance/timer_loop.ts";
import { Timers } from "../maintenance/timers.ts";
import { expectTimers } from "./expect_timers.ts";
import { DEFAULTS, type RuntimeOptions } from "./options.ts";
import { stepsOfTasks } from "./outbox_steps.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Doorbell } from "../platform/doorbells/doorbell.ts";
import { QueueBell } from "../platform/doorbells/queue.ts";
import { SweepBell } from "../platform/doorbells/sweep.ts";
import { WatchBell } from "../platform/doorbells/watch.ts";
import { type Ids, makeIds } from "../platform/ids.ts";
import { type Log, silentLog } from "../platform/log.ts";
import { serviceKeys } from "../platform/service_keys.ts";
import { apiIn } from "../platform/open_telemetry.ts";
import { Tracing } from "../platform/tracing.ts";
import { RELEASE } from "../core/release.ts";
import { hasQueues } from "../platform/open_kv.ts";
import type { ExportedMetrics } from "../metrics/exported_metrics.ts";
import { SharedCounts } from "../metrics/shared_counts.ts";
import { TaskTally } from "../metrics/tally.ts";
import { TransitionLog } from "../metrics/transition_log.ts";
import { Completions } from "../queries/as_completed.ts";
import { Groups } from "../queries/groups.ts";
import { QueueCounter } from "../queries/queue_counts.ts";
import { Notifier } from "../queries/notifier.ts";
import { RepairCounter } from "../maintenance/repair_counter.ts";
import { type Declarations, declarationsOf } from "../schedules/declared.ts";
import { ScheduleTimers } from "../schedules/firing.ts";
import type { ScheduleContext } from "../schedules/context.ts";
import { requireFormat } from "../store/format.ts";
import { Store } from "../store/store.ts";
import { Values } from "../store/values.ts";
import { Children } from "../worker/child_tasks.ts";
import { InputResolver } from "../worker/input_resolver.ts";
import { takeConsole, writeLine } from "../worker/runners/function_console.ts";
import { Runners } from "../worker/runners/runners.ts";
import { Worker } from "../worker/worker.ts";

export interface Parts {
  clock: Clock;
  log: Log;
  bells: Doorbell[];
  registry: Registry;
  store: Store;
  values: Values;
  commands: CommandContext;
  submitter: Submitter;
  controls: Controls;
  queueControl: QueueControl;
  queueLimit: QueueLimit;
  storedLimit: StoredLimit;
  groups: Groups;
  notifier: Notifier;
  completions: Completions;
  outbox: OutboxProcessor;
  timers: TimerLoop;
  schedules: ScheduleContext;
  /** What definitions say in code; null where it is not to be written. */
  declarations: Declarations | null;
  reaper: Reaper;
  reconciler: Reconciler;
  garbageCollector: GarbageCollector;
  repairs: RepairCounter;
  runners: Runners;
  /** Null in a process that runs no tasks. */
  worker: Worker | null;
  /** Functions that may run here at once. */
  slots: number;
  counter: QueueCounter;
  tally: TaskTally;
  transitionLog: TransitionLog;
  sharedCounts: SharedCounts;
  /** Null where nobody collects metrics. */
  exported: ExportedMetrics | null;
}

export async function wire(options: RuntimeOptions): Promise<Parts> {
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? makeIds(clock);
  const log = options.log ?? silentLog;
  const leaseMs = options.leaseMs ?? DEFAULTS.leaseMs;
  const maxInputBytes = options.maxInputBytes ?? DEFAULTS.maxInputBytes;
  const maxResultBytes = options.maxResultBytes ?? DEFAULTS.maxResultBytes;
  const runsTasks = options.runsTasks ?? true;

  await requireFormat(options.kv).catch((error) => {
    // `start` waits for the database, and looks again.
    if (!(error instanceof UnavailableError)) throw error;
  });
  const bells = await doorbellsOf(options, clock, ids);
  const registry = new Registry(options.definitions, [bulkDefinition(() => commands)]);
  const declarations = await declarationsOf(registry);
  declaredConcurrency(registry.all());
  // The shortest call within a process: a new task starts in the commit that stores it.
  const ringsWorker = options.doorbells?.call ?? true;
  const controls = new Controls(options.kv, clock, () => worker?.controlsChanged(), {
    key: serviceKeys.transitionsWanted,
    seen: (versionstamp) => transitionLog.seen(versionstamp),
  });
  const store = new Store({
    kv: options.kv,
    clock,
    ids,
    claims: runsTasks,
    imposing: controls,
    runnerOf: (task) => registry.runnerOf(task) ?? "inline",
    claimsNow: (record) => worker?.claims(record) ?? false,
    starter: () => ringsWorker ? worker : null,
    onCommit: (atomic) => {
      for (const bell of bells) bell.onCommit?.(atomic);
    },
    onNewer: (error) => {
      log.error("tasks that only a newer release can go on with are left to one; the first is", error);
    },
  });
  const transitionLog = new TransitionLog(store, log);
  const values = new Values(options.kv, ids, store.turns);
  const { usages = { ...UNCOUNTED } } = options;
  const queueLimit = new QueueLimit(store, options.maxQueued ?? DEFAULTS.maxQueued, usages);
  const storedLimit = new StoredLimit(store, usages);
  const { failureRetentionMs } = options;
  const commands: CommandContext = {
    store,
    values,
    registry,
    maxInputBytes,
    failureRetentionMs,
    expect: (at) => timers.expect(at),
  };
  const tracing = Tracing.of(RELEASE, options.traceRuns);
  const exported = await exportedMetrics();
  const submitter = new Submitter(commands, queueLimit, storedLimit, tracing);
  const groups = new Groups(store);
  const notifier = new Notifier(store);
  const repairs = new RepairCounter(log);
  const onRepair = (id: string, what: string) => repairs.add(id, what);
  const reconciler = new Reconciler(store, values, onRepair);
  const garbageCollector = new GarbageCollector(store, values, onRepair);
  if (runsTasks) tellOfQueues(options.queues ?? null, registry, log);
  const { takesConsole = false, runOnThread } = options;
  if (takesConsole) takeConsole(writeLine);
  const runners = new Runners(options.threads ?? navigator.hardwareConcurrency, {
    takesConsole,
    runOnThread,
  });
  const worker: Worker | null = runsTasks
    ? new Worker(store, {
      registry,
      tracing,
      runners,
      values,
      inputs: new InputResolver(store, values, maxResultBytes),
      children: new Children(store, values, notifier, submitter, commands),
      maxResultBytes,
      keepStacks: options.keepStacks ?? false,
      concurrency: options.concurrency ?? DEFAULTS.concurrency,
      queues: options.queues,
      controls,
      leaseMs,
      log,
      usages,
    })
    : null;

  const fired = together(new Timers(store, values), new ScheduleTimers(commands, submitter, log));
  const timers = new TimerLoop(fired, clock, log);
  const counter = new QueueCounter(store);
  const tally = new TaskTally(clock, exported);
  const outbox = new OutboxProcessor(store, log, {
    onReady: () => worker?.controlsChanged(),
    ...stepsOfTasks({ store, values, submitter, groups, notifier, maxResultBytes }),
  });
  const queueControl = new QueueControl({
    store,
    registry,
    controls,
    counter,
    outbox,
    served: options.queues ?? null,
    running: () => worker?.attempts ?? [],
  });
  const parts: Parts = {
    clock,
    log,
    bells,
    registry,
    store,
    values,
    commands,
    submitter,
    controls,
    queueControl,
    queueLimit,
    storedLimit,
    groups,
    notifier,
    completions: new Completions(store, notifier, groups),
    outbox,
    timers,
    schedules: { commands, submitter, expect: (at) => timers.expect(at) },
    declarations: options.declaresSchedules ?? true ? declarations : null,
    reaper: new Reaper(store, leaseMs, ({ task, id, attempt, error }) => {
      log.error(`task ${id} (${task}) ended CRASHED`, new RevivedError(error!), { task, id, attempt });
    }),
    reconciler,
    garbageCollector,
    repairs,
    runners,
    worker,
    slots: runsTasks ? slotsOfAll(options.queues ?? null, options.concurrency ?? DEFAULTS.concurrency) : 0,
    counter,
    tally,
    transitionLog,
    sharedCounts: new SharedCounts(store, tally, worker?.id ?? null),
    exported,
  };
  connect(parts, ringsWorker);
  return parts;
}

/** Loaded only where there is an API at all. */
async function exportedMetrics(): Promise<ExportedMetrics | null> {
  if (apiIn(globalThis) === null) return null;
  const { ExportedMetrics } = await import("../metrics/exported_metrics.ts");
  return ExportedMetrics.of(RELEASE);
}

/** Names that are nowhere else may be slips, or those of queues that come later. */
function tellOfQueues(served: ServedQueues, registry: Registry, log: Log): void {
  const named = new Set(registry.all().map(({ defaults }) => defaults.queue));
  const unknown = (served ?? []).map(({ name }) => name).filter((name) =>
    name !== DEFAULT_QUEUE && !named.has(name)
  );
  if (unknown.length === 0) return;
  log.info(
    `no definition here names these queues, so tasks of them come from submits only: ${unknown.join(", ")}`,
  );
}

async function doorbellsOf(
  { kv, doorbells, sweepMs = DEFAULTS.sweepMs }: RuntimeOptions,
  clock: Clock,
  ids: Ids,
): Promise<Doorbell[]> {
  const { queue = true, watch = true, sweep = true } = doorbells ?? {};
  const bells: Doorbell[] = [];
  // All tasks run without this doorbell too.
  if (queue && await hasQueues(kv)) bells.push(new QueueBell(kv, clock));
  if (watch && kv.watched) bells.push(new WatchBell(kv, kv.watched, clock, ids));
  if (sweep) bells.push(new SweepBell(clock, sweepMs));
  return bells;
}

/** Connects the parts that a committed change concerns. */
function connect(
  { store, queueLimit, notifier, worker, timers, outbox, bells, tally, transitionLog }: Parts,
  ringsWorker: boolean,
): void {
  const endBells = bells.filter(({ onEnd }) => onEnd !== undefined);
  store.subscribe(tally);
  store.subscribe(transitionLog);
  store.subscribe({
    applied(entry, before) {
      queueLimit.changed(entry, before);
      notifier.publish(entry);
      worker?.changed(entry);
      expectTimers(timers, entry);
      if (ringsWorker && isReady(entry.record)) worker?.ring(entry.record as TaskRecord);
      if (endBells.length > 0 && !isForgotten(entry.record) && isTerminal(entry.record)) {
        for (const bell of endBells) bell.onEnd!();
      }
    },
    outboxWritten: (subjects, versionstamp) => outbox.ring(subjects, versionstamp),
  });
}
