// A key is shown once; the page does not keep it.

import { useState } from "preact/hooks";
import { CallError } from "../data/api.ts";
import { signIn, signInNote } from "../data/session.ts";

export function SignIn() {
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem(
      "key",
    ) as HTMLInputElement;
    setBusy(true);
    try {
      await signIn(field.value);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      setFault(
        error.status === 401 ? "This is not the secret of a key that opens this service." : error.message,
      );
      field.select();
    }
    setBusy(false);
  };
  return (
    <main class="alone" id="main">
      <form class="panel sign-in" onSubmit={submit}>
        <h1 class="brand">
          errand<i>.</i>
        </h1>
        <p>{signInNote.value ?? "Sign in with an API key of this service."}</p>
        <label class="field">
          <span>API key</span>
          <input
            name="key"
            type="password"
            required
            autoComplete="current-password"
            spellcheck={false}
            autofocus
            aria-invalid={fault !== null}
            aria-describedby="sign-in-fault"
          />
          <small>
            Its secret begins with <code>errand_</code>. The page shows and does what the key may.
          </small>
        </label>
        <p id="sign-in-fault" class="fault-text" role="alert">{fault}</p>
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? "…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
