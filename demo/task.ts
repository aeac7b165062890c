/** What the demo reads of a task. */
export interface Task {
  id: string;
  state: { type: string; name: string; message: string | null };
  input: unknown;
  result: unknown;
  error: { name: string; message: string } | null;
  startedAt: string | null;
  finishedAt: string | null;
}
