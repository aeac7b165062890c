// API keys: make, replace, revoke. A secret is shown once.

import { effect, signal } from "@preact/signals";
import type { Key, Scope } from "../data/answers.ts";
import { call, post } from "../data/api.ts";
import { useLoad } from "../data/load.ts";
import { caller, isSignedIn } from "../data/session.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Empty, Panel, Shown } from "../ui/basics.tsx";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { Head } from "../ui/head.tsx";
import { CopyButton } from "../ui/json_tree.tsx";
import { act } from "../ui/notices.tsx";

const SCOPES: Scope[] = [
  "submit",
  "read",
  "cancel",
  "complete",
  "work",
  "operate",
  "admin",
];

interface Made {
  name: string;
  secret: string;
}

/** Kept until the reader has it, who may have gone elsewhere before it came. */
const shown = signal<Made | null>(null);
const setMade = (made: Made | null) => shown.value = made;

effect(() => {
  if (!isSignedIn.value) setMade(null);
});

export function Keys() {
  const made = shown.value;
  const loaded = useLoad<{ keys: Key[] }>("/v1/keys", { everyMs: 5_000 });
  const isOpen = caller.value?.name === null;
  return (
    <>
      <Bar title="Keys">
        <span class="spacer" />
        {!isOpen && <NewKey onMade={setMade} />}
      </Bar>
      {made && (
        <div class="why made" role="status">
          <b>
            The secret of <bdi>{made.name}</bdi>
          </b>
          <div>
            <code>{made.secret}</code> <CopyButton value={made.secret} />
            <p>It is shown this once, and stored nowhere.</p>
            <button type="button" onClick={() => setMade(null)}>
              I have it
            </button>
          </div>
        </div>
      )}
      <Panel title="API keys">
        <Shown loaded={loaded} lines={5}>
          {({ keys }) =>
            keys.length === 0
              ? (
                <Empty title="No keys: this machine may do everything">
                  For callers from elsewhere:{" "}
                  <code>deno task key -- --name me --scopes admin</code>. From then on every call needs a key.
                </Empty>
              )
              : <Table keys={keys} onMade={setMade} />}
        </Shown>
      </Panel>
    </>
  );
}

function Table(
  { keys, onMade }: { keys: Key[]; onMade: (made: Made) => void },
) {
  return (
    <table>
      <Head of={["Name", "Tenant", "Scopes", "Only", "Used", "Expires", "Made"]} hasActions />
      <tbody>
        {keys.map((key) => (
          <tr key={key.id ?? key.name}>
            <td>
              <bdi>{key.name}</bdi>
            </td>
            <td class="dim">
              <bdi>{key.tenant ?? "default"}</bdi>
            </td>
            <td>
              {key.scopes.map((scope) => <span key={scope} class="tag">{scope}</span>)}
            </td>
            <td class="mono dim">
              <bdi>{key.patterns.join(", ") || "all"}</bdi>
            </td>
            <td class="dim nowrap">
              <Ago at={key.lastUsedAt} />
            </td>
            <td class="nowrap">
              {key.expiresAt === null ? <span class="dim">never</span> : <Ago at={key.expiresAt} />}
            </td>
            <td class="dim nowrap">
              {key.createdAt === null ? "API_KEYS" : <Ago at={key.createdAt} />}
            </td>
            <td class="num nowrap">
              {key.id !== null && <KeyActions id={key.id} name={key.name} onMade={onMade} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function KeyActions(
  { id, name, onMade }: {
    id: string;
    name: string;
    onMade: (made: Made) => void;
  },
) {
  const rotate = (values: FormData) =>
    act(async () => {
      const graceSeconds = Number(values.get("grace"));
      onMade(await post<Made>(`/v1/keys/${id}/rotate`, { graceSeconds }));
    });
  const revoke = () =>
    act(async () => {
      await call("DELETE", `/v1/keys/${id}`);
      return `${name} opens nothing any more`;
    });
  return (
    <span class="actions">
      <AskingButton
        label="New secret…"
        title={`A new secret for ${name}?`}
        verb="Make it"
        onDone={rotate}
      >
        <p>It keeps its name and scopes.</p>
        <Field label="The former one is good for">
          <select name="grace">
            <option value="0">no longer</option>
            <option value="3600">an hour</option>
            <option value="86400">a day</option>
            <option value="604800">a week</option>
          </select>
        </Field>
      </AskingButton>{" "}
      <AskingButton
        label="Revoke…"
        title={`Revoke ${name}?`}
        verb="Revoke it"
        isDangerous
        onDone={revoke}
      >
        <p>
          It opens nothing any more, in all processes within a second. Its streams and sessions end.
        </p>
      </AskingButton>
    </span>
  );
}

function NewKey({ onMade }: { onMade: (made: Made) => void }) {
  const own = caller.value?.tenant ?? null;
  const make = (values: FormData) =>
    act(async () => {
      const text = (name: string) => String(values.get(name) ?? "").trim();
      const patterns = text("patterns").split(/[\s,]+/).filter((each) => each !== "");
      const days = Number(text("days"));
      onMade(
        await post<Made>("/v1/keys", {
          name: text("name"),
          scopes: values.getAll("scopes"),
          ...(text("tenant") !== "" && { tenant: text("tenant") }),
          ...(patterns.length > 0 && { patterns }),
          ...(days > 0 &&
            {
              expiresAt: new Date(Date.now() + days * 86_400_000).toISOString(),
            }),
        }),
      );
    });
  return (
    <AskingButton
      label="New key…"
      title="A new key"
      verb="Make it"
      onDone={make}
    >
      <Field label="Name" note="Who will use it.">
        <input
          name="name"
          required
          pattern="[\w.\-]{1,40}"
          autoComplete="off"
          spellcheck={false}
        />
      </Field>
      <fieldset>
        <legend>It may</legend>
        {SCOPES.map((scope) => (
          <label key={scope} class="check">
            <input
              type="checkbox"
              name="scopes"
              value={scope}
              defaultChecked={scope === "read"}
            />{" "}
            {scope}
          </label>
        ))}
      </fieldset>
      {own === null && (
        <Field
          label="Tenant"
          note="It sees this tenant's tasks alone. Empty: the default tenant."
        >
          <input
            name="tenant"
            pattern="[a-z0-9][a-z0-9_\-]{0,23}"
            autoComplete="off"
            spellcheck={false}
          />
        </Field>
      )}
      <Field
        label="Only"
        note="task:resize*, queue:gpu. Empty: all of the tenant."
      >
        <input name="patterns" autoComplete="off" spellcheck={false} />
      </Field>
      <Field label="Good for">
        <select name="days">
          <option value="0">ever</option>
          <option value="1">a day</option>
          <option value="30">30 days</option>
          <option value="365">a year</option>
        </select>
      </Field>
    </AskingButton>
  );
}
