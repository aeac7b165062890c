// A question that stands over the page: the browser's own dialog keeps the focus and takes Escape.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { dialogsOpen, Notices } from "./notices.tsx";

interface DialogProps {
  title: string;
  /** On the button that does it. */
  verb: string;
  isDangerous?: boolean;
  /** True: it is done, and the dialog closes. */
  onDone: (values: FormData) => Promise<boolean>;
  onClose: () => void;
  children?: ComponentChildren;
  isWide?: boolean;
}

export function Dialog(
  { title, verb, isDangerous, onDone, onClose, children, isWide }: DialogProps,
) {
  const ref = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const heading = useId();
  useEffect(() => {
    const opener = document.activeElement;
    ref.current!.showModal();
    dialogsOpen.value++;
    return () => {
      dialogsOpen.value--;
      (opener as HTMLElement | null)?.focus?.();
    };
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    const isDone = await onDone(values);
    setBusy(false);
    if (isDone) onClose();
  };
  return (
    <dialog
      ref={ref}
      class={isWide ? "wide" : ""}
      aria-labelledby={heading}
      onClose={onClose}
    >
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        <div class="body">{children}</div>
        <footer>
          <button type="button" onClick={onClose}>Back</button>
          <button
            type="submit"
            class={isDangerous ? "danger main" : "main"}
            disabled={isBusy}
          >
            {isBusy ? "…" : verb}
          </button>
        </footer>
      </form>
      <Notices isInDialog />
    </dialog>
  );
}

interface FieldProps {
  label: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}

export function Field({ label, note, children }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {note && <small>{note}</small>}
    </label>
  );
}

interface ActionProps extends Omit<DialogProps, "onClose" | "title"> {
  label: ComponentChildren;
  title?: string;
  class?: string;
  disabled?: boolean;
}

/** A button that asks before it acts. */
export function AskingButton(
  { label, title, class: more, disabled, ...dialog }: ActionProps,
) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class={more ?? (dialog.isDangerous ? "danger" : "")}
        disabled={disabled}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {isOpen && (
        <Dialog
          {...dialog}
          title={title ?? String(label)}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
