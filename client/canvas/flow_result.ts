// What a flow hands on, as the service says it: JSON in which `{"$task": id}` stands for the result of a
// task.

/** The ids of the tasks in it, each once. */
export function idsIn(expression: unknown): string[] {
  const ids = new Set<string>();
  resolved(expression, (id) => ids.add(id));
  return [...ids];
}

/** The expression with what `of` makes of a task in the place of each. */
export function resolved(expression: unknown, of: (id: string) => unknown): unknown {
  if (typeof expression !== "object" || expression === null) return expression;
  if (Array.isArray(expression)) return expression.map((each) => resolved(each, of));
  const { $task } = expression as { $task?: unknown };
  if (typeof $task === "string") return of($task);
  return Object.fromEntries(Object.entries(expression).map(([name, each]) => [name, resolved(each, of)]));
}
