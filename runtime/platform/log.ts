// Messages of the runtime that have no caller to go to: one line each, never with inputs or results.

export interface Log {
  info(message: string): void;
  error(message: string, error: unknown): void;
}

export const silentLog: Log = { info: () => {}, error: () => {} };
