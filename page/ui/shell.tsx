// What stands around every view: the navigation, whether the service answers, and who is signed in.

import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { BASE } from "../data/api.ts";
import { liveness } from "../data/live.ts";
import { hrefOf, route, view } from "../data/route.ts";
import { caller, isReached, may, signOut } from "../data/session.ts";
import { Audit } from "../views/audit.tsx";
import { DefinitionView } from "../views/definition.tsx";
import { Definitions } from "../views/definitions.tsx";
import { GroupView } from "../views/group.tsx";
import { Groups } from "../views/groups.tsx";
import { Keys } from "../views/keys.tsx";
import { Limits } from "../views/limits.tsx";
import { Overview } from "../views/overview.tsx";
import { Queues } from "../views/queues.tsx";
import { ScheduleView } from "../views/schedule.tsx";
import { Schedules } from "../views/schedules.tsx";
import { SignIn } from "../views/sign_in.tsx";
import { TaskView } from "../views/task.tsx";
import { Tasks } from "../views/tasks.tsx";
import { UsageView } from "../views/usage.tsx";
import { Workers } from "../views/workers.tsx";
import { Empty, Skeleton } from "./basics.tsx";
import { act, Notices } from "./notices.tsx";

interface Entry {
  path: string;
  title: string;
  scope: string;
  list: ComponentType;
  /** Of one of them. */
  one?: ComponentType<{ id: string }>;
}

export const ENTRIES: Entry[] = [
  { path: "overview", title: "Overview", scope: "read", list: Overview },
  { path: "tasks", title: "Tasks", scope: "read", list: Tasks, one: TaskView },
  {
    path: "groups",
    title: "Groups and flows",
    scope: "read",
    list: Groups,
    one: GroupView,
  },
  { path: "queues", title: "Queues", scope: "read", list: Queues },
  { path: "limits", title: "Limits", scope: "read", list: Limits },
  {
    path: "schedules",
    title: "Schedules",
    scope: "read",
    list: Schedules,
    one: ScheduleView,
  },
  { path: "workers", title: "Workers", scope: "read", list: Workers },
  {
    path: "definitions",
    title: "Definitions",
    scope: "read",
    list: Definitions,
    one: DefinitionView,
  },
  { path: "keys", title: "Keys", scope: "admin", list: Keys },
  { path: "usage", title: "Usage", scope: "read", list: UsageView },
  { path: "audit", title: "Audit", scope: "admin", list: Audit },
];

export function Page() {
  if (caller.value === undefined) {
    return isReached.value
      ? (
        <main class="alone">
          <Skeleton lines={5} />
        </main>
      )
      : <Away />;
  }
  if (caller.value === null) return <SignIn />;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <Nav />
      <View />
      <Notices />
    </>
  );
}

function Nav() {
  const { name, tenant } = caller.value!;
  const links = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a phone they are a line that is longer than the screen.
    links.current!.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [view.value]);
  return (
    <nav class="nav" aria-label="Views">
      <a class="brand" href={hrefOf("overview")}>
        errand<i>.</i>
      </a>
      <div class="links" ref={links}>
        {ENTRIES.filter(({ scope }) => may(scope)).map(({ path, title }) => (
          <a
            key={path}
            href={hrefOf(path)}
            aria-current={view.value === path ? "page" : undefined}
          >
            {title}
          </a>
        ))}
      </div>
      <div class="who">
        <Liveness />
        {name !== null && (
          <span>
            <bdi title={tenant === null ? "" : `of the tenant ${tenant}`}>
              {name}
            </bdi>
            <button type="button" class="plain" onClick={() => act(signOut)}>
              Sign out
            </button>
          </span>
        )}
        {tenant !== null && (
          <span class="dim">
            tenant <bdi>{tenant}</bdi>
          </span>
        )}
        <a class="dim" href={`${BASE}/docs`}>HTTP reference</a>
      </div>
    </nav>
  );
}

const LIVENESS = {
  live: "Live",
  polling: "Up to date every 3 s",
  away: "The service does not answer",
  paused: "Paused in the background",
};

function Liveness() {
  return (
    <span class={`liveness ${liveness.value}`} role="status">
      {LIVENESS[liveness.value]}
    </span>
  );
}

function View() {
  const main = useRef<HTMLElement>(null);
  const { parts: [, id] } = route.value;
  const entry = ENTRIES.find(({ path }) => path === view.value);
  const place = `${view.value}/${id ?? ""}`;
  useEffect(() => {
    document.title = `${entry?.title ?? "Nothing here"} · Errand`;
    main.current?.scrollTo(0, 0);
  }, [place]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      {!isReached.value && (
        <div class="banner" role="alert">
          The service does not answer. What is shown is from before; the page goes on by itself as soon as it
          is back.
        </div>
      )}
      {content(entry, id, place)}
    </main>
  );
}

function content(
  entry: Entry | undefined,
  id: string | undefined,
  place: string,
) {
  if (entry === undefined || (id !== undefined && !entry.one)) {
    return <Empty title="Nothing is here">Choose a view on the left.</Empty>;
  }
  if (!may(entry.scope)) {
    return (
      <Empty title="Your key may not see this">
        It needs the scope <code>{entry.scope}</code>.
      </Empty>
    );
  }
  const One = entry.one;
  return id !== undefined && One ? <One key={place} id={id} /> : <entry.list key={place} />;
}

function Away() {
  return (
    <main class="alone">
      <Empty title="The service does not answer">
        The page tries again by itself.
      </Empty>
    </main>
  );
}
