// The same measurements for OpenTelemetry, where the program collects them. Counts are kept by the tally
// anyway, and are handed over when the collector asks. Durations are handed over one by one, as there is no
// other way to.

import { WIDE_BOUNDS } from "../core/histogram.ts";
import { apiIn } from "../platform/open_telemetry.ts";
import { familiesOfAll, familiesOfProcess, type FamilyParts } from "./families.ts";
import { type Family, type FamilyName, type Kind, KINDS } from "./family_names.ts";
import type { AttemptOutcome, Durations } from "./task_counts.ts";

type Labels = Record<string, string>;

interface Counter {
  add(value: number, labels: Labels): void;
}

interface Histogram {
  record(seconds: number, labels: Labels): void;
}

type Observer = (result: { observe(value: number, labels: Labels): void }) => Promise<void>;

interface Gauge {
  addCallback(observer: Observer): void;
  removeCallback(observer: Observer): void;
}

interface Meter {
  createCounter(name: string, options: object): Counter;
  createHistogram(name: string, options: object): Histogram;
  createObservableGauge(name: string, options: object): Gauge;
}

/** As much of @opentelemetry/api 1.x as is needed. */
interface Api {
  metrics: { getMeter(name: string, version?: string): Meter };
}

/** What the conventions for messaging call an outcome that is no success. */
const FAILURES: ReadonlySet<AttemptOutcome> = new Set(["failed", "timed-out", "retried", "crashed"]);
const MESSAGING = { "messaging.system": "errand" };
const WIDE = WIDE_BOUNDS.map((ms) => ms / 1_000);
/** As the conventions advise. */
const PROCESS_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export class ExportedMetrics implements Durations {
  readonly #counters = new Map<FamilyName, Counter>();
  readonly #gauges = new Map<FamilyName, Gauge>();
  readonly #histograms = new Map<FamilyName, Histogram>();
  readonly #sent: Counter;
  readonly #processed: Histogram;
  /** What was handed over of each counter. */
  readonly #told = new Map<string, number>();
  #stop: () => void = () => {};

  private constructor(meter: Meter) {
    for (const [name, kind] of Object.entries(KINDS) as [FamilyName, Kind][]) {
      const { type, help, exportedAs, unit } = kind;
      const options = { description: help, unit };
      if (type === "counter") this.#counters.set(name, meter.createCounter(exportedAs, options));
      else if (type === "gauge") this.#gauges.set(name, meter.createObservableGauge(exportedAs, options));
      else this.#histograms.set(name, meter.createHistogram(exportedAs, { ...options, ...bounded(WIDE) }));
    }
    this.#sent = meter.createCounter("messaging.client.sent.messages", {
      description: "Tasks that were submitted.",
      unit: "{message}",
    });
    this.#processed = meter.createHistogram("messaging.process.duration", {
      description: "How long attempts ran.",
      unit: "s",
      ...bounded(PROCESS_BOUNDS),
    });
  }

  /** Null where nobody collects metrics. */
  static of(release: string, program: object = globalThis): ExportedMetrics | null {
    const metrics = apiIn<Api>(program)?.metrics;
    return metrics ? new ExportedMetrics(metrics.getMeter("errand", release)) : null;
  }

  /** From now on a collector that asks gets its answer. */
  start(parts: FamilyParts): void {
    const { commits } = parts.store.kv;
    commits.told = (ms) => this.#record("errand_kv_commit_seconds", ms, {});
    let answer: Promise<Family[]> | null = null;
    // All gauges are asked at once.
    const ask = () => answer ??= this.#answer(parts).finally(() => answer = null);
    const observers = [...this.#gauges].map(([name, gauge]) => {
      const observer: Observer = async (result) => {
        const samples = (await ask()).flatMap((family) => family.name === name ? family.samples : []);
        for (const { labels, value } of samples) result.observe(value as number, labels);
      };
      gauge.addCallback(observer);
      return () => gauge.removeCallback(observer);
    });
    this.#stop = () => {
      commits.told = null;
      for (const remove of observers) remove();
      this.#add(familiesOfProcess(parts));
    };
  }

  /** What nobody has asked for yet is handed over: an exit exports it. */
  stop(): void {
    this.#stop();
    this.#stop = () => {};
  }

  waited(task: string, ms: number): void {
    this.#record("errand_task_wait_seconds", ms, { task });
  }

  ran(task: string, queue: string, outcome: AttemptOutcome, ms: number): void {
    this.#record("errand_task_run_seconds", ms, { task });
    this.#processed.record(ms / 1_000, {
      ...MESSAGING,
      "messaging.operation.name": "process",
      "messaging.destination.name": queue,
      ...FAILURES.has(outcome) && { "error.type": outcome },
    });
  }

  late(task: string, ms: number): void {
    this.#record("errand_schedule_lateness_seconds", ms, { task });
  }

  #record(name: FamilyName, ms: number, labels: Labels): void {
    this.#histograms.get(name)!.record(Math.max(0, ms) / 1_000, labels);
  }

  async #answer(parts: FamilyParts): Promise<Family[]> {
    const ofProcess = familiesOfProcess(parts);
    this.#add(ofProcess);
    // A database that is away is told of by others; then there are no samples of what it would have said.
    return [...ofProcess, ...await familiesOfAll(parts).catch(() => [])];
  }

  #add(families: Family[]): void {
    for (const { name, samples } of families) {
      const counter = this.#counters.get(name);
      if (counter === undefined) continue;
      for (const { labels, value } of samples) {
        const key = JSON.stringify([name, labels]);
        const more = value as number - (this.#told.get(key) ?? 0);
        if (more <= 0) continue;
        this.#told.set(key, value as number);
        counter.add(more, labels);
        if (name === "errand_tasks_submitted_total") this.#sent.add(more, sentTo(labels.queue));
      }
    }
  }
}

function bounded(explicitBucketBoundaries: readonly number[]) {
  return { advice: { explicitBucketBoundaries } };
}

function sentTo(queue: string): Labels {
  return { ...MESSAGING, "messaging.operation.name": "send", "messaging.destination.name": queue };
}
