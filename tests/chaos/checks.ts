// Rules that must hold whatever dies, as pure functions of the facts. Each names the tasks that break it.

import type { Facts, Task } from "./facts.ts";
import { beatsOf, ClaimBook, longestSilence, overlaps } from "./leases.ts";
import { MAX_CLOCK_SKEW_MS, mostAtOnce, spansOf } from "./spans.ts";
import {
  beginsAgain,
  DIED,
  goesWrong,
  HANDED_BACK,
  hasEnded,
  isRetry,
  outcomesOf,
  shown,
  sinceRetry,
  stateOf,
  TERMINAL,
  wasAsked,
} from "./story.ts";

/** So many tasks of one limit may run at once (requests.ts). */
export const MOST_OF_A_LIMIT = 5;

export type Check = (facts: Facts) => string[];

export const checks: Record<string, Check> = {
  "acknowledged tasks that are missing": ({ asked, tasks }) =>
    [...asked.keys()].filter((id) => !tasks.has(id)),

  "acknowledged tasks that no list shows": ({ asked, listed }) => {
    const shown = new Set(listed);
    return [...asked.keys()].filter((id) => !shown.has(id));
  },

  "tasks that a list shows twice": ({ listed }) => {
    const seen = new Set<string>();
    return listed.filter((id) => seen.size === seen.add(id).size);
  },

  "tasks that have not ended": ({ tasks, cutOff }) => {
    return [...tasks.values()].filter((task) => !hasEnded(task) && !isCutOff(task, cutOff)).map(shown);
  },

  "tasks with more than one end": ({ tasks }) => {
    return [...tasks.values()].filter(({ history }) => {
      const ends = history.filter(({ type }) => TERMINAL.has(type)).length;
      return ends > 1 + history.filter(beginsAgain).length;
    }).map(shown);
  },

  "histories that go an illegal way": ({ tasks }) => [...tasks.values()].filter(goesWrong).map(shown),

  "ends that changed after they were seen": ({ endsSeen, tasks, retriesAsked }) => {
    return endsSeen.filter((end) => {
      const task = tasks.get(end.id);
      if (!task || retriesAsked.has(end.id) || task.history.some(beginsAgain)) return false;
      const outcome = task.error ? task.error.message : JSON.stringify(task.result);
      return stateOf(task).type !== end.type || task.finishedAt !== end.finishedAt || outcome !== end.outcome;
    }).map(({ id, type, outcome }) => `${id} was seen ${type} ${outcome}`);
  },

  "retries that nobody asked for": ({ tasks, retriesAsked }) => {
    return [...tasks.values()].filter(({ id, history }) => {
      return history.filter(isRetry).length > (retriesAsked.get(id) ?? 0);
    }).map(shown);
  },

  "outcomes recorded by an attempt that was not the owner": (facts) => {
    const book = new ClaimBook(facts);
    const runs = new Map(facts.runs.map((run) => [run.run, run]));
    return [...facts.tasks.values()].flatMap((task) => {
      return outcomesOf(task).flatMap(({ running, run: name }) => {
        const run = runs.get(name);
        const owner = book.of(task.id, running);
        const mine = run && book.under(run);
        if (owner && mine && mine.token === owner.token) return [];
        return [
          `${task.id} took the outcome of run ${name} (lease ${mine?.token}) at seq ${running.seq}, ` +
          `which is of lease ${owner?.token}`,
        ];
      });
    });
  },

  "attempts that ran at the same time under a live lease": (facts) => {
    const book = new ClaimBook(facts);
    const beats = beatsOf(facts);
    return overlaps(facts.runs).flatMap((pair) => {
      const runs = pair.map((run) => ({ run, claim: book.under(run) }));
      const unclaimed = runs.find(({ claim }) => claim === undefined);
      if (unclaimed) return [`${unclaimed.run.id}: run ${unclaimed.run.run} has no claim`];
      // A worker that was stopped between its claim and the function may begin that after the one who took
      // over.
      const [old, heir] = runs.toSorted((a, b) => a.claim!.from - b.claim!.from);
      const { worker, from } = old.claim!;
      const silent = longestSilence(beats.get(worker) ?? [], from, heir.claim!.to);
      if (silent >= facts.leaseMs - MAX_CLOCK_SKEW_MS) return [];
      return [
        `${old.run.id}: run ${heir.run.run} was claimed while ${old.run.run} was to run, whose worker ${worker} ` +
        `was never silent for more than ${Math.round(silent)} ms`,
      ];
    });
  },

  "runs without a claim": (facts) => {
    const book = new ClaimBook(facts);
    return facts.runs.filter((run) => !book.under(run)).map(({ run, id }) => `${id}: ${run}`);
  },

  "workers that were declared dead before their lease was over": (facts) => {
    const beats = beatsOf(facts);
    return facts.reaps.flatMap(({ worker, from, to, pid }) => {
      const last = (beats.get(worker) ?? []).filter((beat) => beat.to <= from).at(-1);
      return last && to - last.from < facts.leaseMs - MAX_CLOCK_SKEW_MS
        ? [`${worker} by ${pid}, ${to - last.from} ms after a beat`]
        : [];
    });
  },

  "tasks that started too often": (facts) => {
    const runs = Map.groupBy(facts.runs, ({ id }) => id);
    return [...facts.tasks.values()].filter(({ id, history }) => {
      const asked = facts.asked.get(id);
      if (!asked || history[0].seq !== 1) return false;
      const budgets = 1 + history.filter(isRetry).length;
      const handedBack = history.filter(({ message }) => HANDED_BACK.test(message ?? "")).length;
      const most = budgets * (asked.maxAttempts + asked.maxCrashes) + handedBack;
      const starts = history.filter(({ type }) => type === "RUNNING").length;
      return starts > most || (runs.get(id)?.length ?? 0) > starts;
    }).map(shown);
  },

  "attempts that crashes used up": ({ tasks }) => {
    return [...tasks.values()].filter(({ attempt, history }) => {
      // Past 64 states the oldest are in the event log.
      if (history[0].seq !== 1) return false;
      const starts = history.filter(({ type }) => type === "RUNNING").length;
      const free = history.filter(({ message }) =>
        DIED.test(message ?? "") || HANDED_BACK.test(message ?? "")
      );
      return attempt !== starts - free.length;
    }).map(shown);
  },

  "tasks that ended otherwise than they had to": ({ tasks, asked, cancelled }) => {
    const stopped = new Set(cancelled.map(({ id }) => id));
    return [...tasks.values()].filter((task) => {
      const plan = asked.get(task.id);
      const { type } = stateOf(task);
      if (!plan || !hasEnded(task)) return false;
      const died = sinceRetry(task.history).filter(({ message }) => DIED.test(message ?? "")).length;
      if (type === "CRASHED") return died !== plan.maxCrashes;
      if (died > plan.maxCrashes) return true;
      const upstreams = (plan.upstreams ?? []).flatMap((id) => tasks.get(id) ?? []);
      const failed = upstreams.some((upstream) => stateOf(upstream).type !== "COMPLETED");
      if (failed && type !== "CANCELLED") return true;
      if (type === "CANCELLED") return !failed && !stopped.has(task.id) && !wasAsked(task);
      if (type === "FAILED") return task.attempt !== task.maxAttempts || task.attempt > plan.failures;
      return task.attempt <= plan.failures || task.result?.padding !== plan.padding;
    }).map(shown);
  },

  "cancels that did not hold": ({ tasks, cancelled, retriesAsked }) => {
    return cancelled.filter(({ id }) => {
      const task = tasks.get(id);
      return task && !retriesAsked.has(id) && stateOf(task).type !== "CANCELLED";
    }).map(({ id }) => shown(tasks.get(id)!));
  },

  "idempotency keys with other tasks than they promised": ({ tasks, keys }) => {
    const made = Map.groupBy([...tasks.values()], ({ metadata }) => metadata.key);
    return [...keys].flatMap(([key, ids]) => {
      const found = (made.get(key) ?? []).map(({ id }) => id);
      return found.toSorted().join() === ids.toSorted().join()
        ? []
        : [`${key}: ${ids} but there are ${found}`];
    });
  },

  "tasks that started before those that they wait for had completed": ({ tasks, asked }) => {
    return [...tasks.values()].filter(({ id, history }) => {
      const started = history.find(({ type }) => type === "RUNNING");
      const upstreams = (asked.get(id)?.upstreams ?? []).flatMap((upstream) => tasks.get(upstream) ?? []);
      return started && upstreams.some((upstream) => {
        const end = stateOf(upstream);
        return end.type !== "COMPLETED" || started.at < end.at;
      });
    }).map(shown);
  },

  "limits of which more ran at once": ({ tasks, asked }) => {
    const limited = Map.groupBy([...tasks.values()], ({ id }) => asked.get(id)?.limit);
    return [...limited].flatMap(([key, all]) => {
      const most = key === undefined ? 0 : mostAtOnce(all.flatMap(spansOf));
      return most > MOST_OF_A_LIMIT ? [`${key}: ${most} at once`] : [];
    });
  },

  "tasks that started before their time": ({ tasks }) => {
    return [...tasks.values()].filter(({ history, runAt }) => {
      const scheduled = history.findLastIndex((state) => state.type === "SCHEDULED" || isRetry(state));
      return history.some(({ type, at }, i) => i > scheduled && type === "RUNNING" && at < runAt);
    }).map(shown);
  },
};

function isCutOff({ id, history }: Task, cutOff: ReadonlySet<string>): boolean {
  return cutOff.has(id) && history.at(-1)!.name === "AwaitingDependencies";
}
