// One run of chaos, from the first start to the verdict.

import { checks } from "./checks.ts";
import { Cluster } from "./cluster.ts";
import { listAll, quiet, readAll, readGroups, streamFaults } from "./collect.ts";
import { composedChecks, KINDS } from "./compositions/kinds.ts";
import { factsOf, readLogs } from "./facts.ts";
import { now, openJournal, readJournal } from "./journal.ts";
import { Killer, STOPS_WITHIN_MS } from "./killer.ts";
import { leftovers } from "./leftovers.ts";
import type { FaultLine } from "./lines.ts";
import { Load } from "./load.ts";
import type { Options } from "./options.ts";
import { endSchedules, putSchedules, scheduleChecks } from "./schedules.ts";
import { pause } from "../support/waiting.ts";
import { Random } from "../support/random.ts";
import { hasEnded } from "./story.ts";
import { errorsIn, figuresOf, isClean, type Report } from "./report.ts";

/** After the last harm: a process that stands still. */
const STILL_MS = 60_000;
const SAY_EVERY_MS = 5_000;
const STREAMS_LOOKED_AT = 200;

export async function chaos(options: Options, say: (line: string) => void): Promise<Report> {
  const { leaseMs, processes, denokv } = options;
  await using cluster = await Cluster.start({ processes, leaseMs, denokv });
  try {
    const report = await chaosIn(cluster, options, say);
    if (options.keep || !isClean(report)) cluster.keepFolder();
    return report;
  } catch (error) {
    cluster.keepFolder();
    throw error;
  }
}

async function chaosIn(cluster: Cluster, options: Options, say: (line: string) => void): Promise<Report> {
  const { leaseMs, denokv, outageSeconds, rate, seconds, seed, leastKills, leastTasks } = options;
  const random = new Random(seed);
  const { urls } = cluster;
  say(`seed ${seed}; logs and database in ${cluster.folder}`);
  const report: Report = {
    seed,
    options,
    folder: cluster.folder,
    figures: {},
    answers: {},
    errors: {},
    violations: {},
  };
  const violate = (rule: string, cases: string[]) => report.violations[rule] = cases;

  const killer = new Killer(cluster, random.fork());
  using acks = openJournal(cluster.path("acks"));
  using ends = openJournal(cluster.path("ends"));
  const load = new Load({ urls, random: random.fork(), rate, acks, ends });
  const begun = now();
  const saying = setInterval(() => {
    const { kills, stops, outages, terminations } = killer.done;
    say(
      `${Math.round((now() - begun) / 1_000)} s: ${load.acknowledged} tasks acknowledged, ${kills} kills, ` +
        `${stops} stops, ${outages} outages, ${terminations} graceful stops`,
    );
  }, SAY_EVERY_MS);
  const someUrl = () => urls[Math.floor(Math.random() * urls.length)];
  let healedAt: number;
  let firstAt: Record<string, number>;
  let ended: Awaited<ReturnType<typeof endSchedules>>;
  try {
    firstAt = await putSchedules(someUrl);
    load.start();
    await pause(500);
    const outageMs = 1_000 * outageSeconds;
    const away = outageMs === 0
      ? null
      : killer.takeServerAway(Math.max(0, 500 * seconds - outageMs / 2), outageMs);
    await killer.run(seconds, options.faults, leastKills);
    await away;
    await killer.heal();
    healedAt = now();
    while (load.acknowledged < leastTasks || load.compositions < KINDS.length) await pause(100);
    await load.stop();
    ended = await endSchedules(someUrl, STILL_MS);
  } finally {
    clearInterval(saying);
  }
  say("no more harm; waiting for everything to end");
  // Null also where all that is left are tasks of calls that were cut off. What else has not ended is told.
  const tookMs = await quiet(urls[0], STILL_MS);
  // A process that was stopped may still have something to write.
  await pause(2 * leaseMs);

  const listed = await listAll(urls[0]);
  const logs = await readLogs(cluster.folder);
  const ids = new Set([...listed, ...logs.acks.flatMap((line) => line.is === "submitted" ? line.ids : [])]);
  const facts = factsOf(leaseMs, logs, await readAll(urls, [...ids]), listed);
  const groupIds = facts.compositions.flatMap(({ groupId }) => groupId ?? []);
  const groups = new Map((await readGroups(urls[0], groupIds, STILL_MS)).map((group) => [group.id, group]));
  const streams: string[] = [];
  const over = [...facts.tasks.values()].filter(hasEnded);
  for (let i = 0; i < Math.min(STREAMS_LOOKED_AT, over.length); i++) {
    streams.push(...await streamFaults(random.pick(urls), random.pick(over).id));
  }
  violate("event streams with gaps or without one end", streams);

  const stops = await Promise.all(cluster.slots.map((slot) => slot.terminate()));
  violate("graceful stops that broke their promise", [
    ...killer.badStops,
    ...stops.filter(({ code, tookMs }) => code !== 0 || tookMs > STOPS_WITHIN_MS).map((stop) =>
      JSON.stringify(stop)
    ),
  ]);
  const { wrong, orphans, cutOff } = await leftovers(await cluster.openDatabase());
  for (const [rule, check] of Object.entries(checks)) violate(rule, check({ ...facts, cutOff }));
  const scheduled = { ...ended, firstAt, tasks: facts.tasks };
  for (const [rule, check] of Object.entries(scheduleChecks)) violate(rule, check(scheduled));
  const composed = { calls: facts.compositions, tasks: facts.tasks, groups };
  for (const [rule, check] of Object.entries(composedChecks)) violate(rule, check(composed));
  violate("keys that nothing follows from, or that are missing", wrong);
  violate("what no fault excuses", load.wrong);
  const faults = await readJournal<FaultLine>(cluster.path("faults"));
  const died = faults.filter(({ is }) => is === "died");
  violate("processes that died by themselves", died.map((line) => JSON.stringify(line)));

  report.answers = load.answers;
  report.errors = errorsIn(await readJournal(cluster.path("errors")));
  report.figures = {
    seconds: Math.round((healedAt - begun) / 1_000),
    ...killer.done,
    ...(denokv ? { "seconds without a server": outageSeconds } : {}),
    ...figuresOf(facts),
    "compositions accepted": facts.compositions.filter(({ status }) => status === 202).length,
    "tasks of schedules": [...facts.tasks.values()].filter(({ schedule }) => schedule).length,
    "all ended after (ms)": tookMs === null ? NaN : Math.round(tookMs),
    "tasks of cut-off calls": cutOff.size,
    "orphan blobs, events and timers": orphans.length,
  };
  return report;
}
