// Messages of the runtime that have no caller to go to: one line each, never with inputs or results.

export interface Log {
  /** @param about more of it, for programs that read the log */
  info(message: string, about?: Readonly<Record<string, unknown>>): void;
  /** @param about the attempt that has failed with this error, if one has */
  error(message: string, error: unknown, about?: AttemptName): void;
}

export interface AttemptName {
  /** The name of its definition. */
  task: string;
  id: string;
  attempt: number;
}

export const silentLog: Log = { info: () => {}, error: () => {} };
