// Made by `deno task client` from client/*.ts.
/** Parts of a list, each of at most `size`. */
declare function chunksOf<T>(list: readonly T[], size: number): T[][];

/** How a task ended, to those that wait for it: a CANCELLED `Skipped` one is not CANCELLED to them. */
type End = "COMPLETED" | "FAILED" | "CRASHED" | "CANCELLED" | "SKIPPED";
/** One task, and how it must end. */
interface WaitCondition<Task = string> {
    task: Task;
    /** Ends by which the task that waits may start. Default: COMPLETED, or any if it is `optional`. */
    on?: readonly End[];
    /** Another end does not skip the task that waits. */
    optional?: boolean;
}
/** Some of several tasks. */
interface WaitForAny<Task = string> {
    anyOf: readonly Task[];
    /** How many of them. Default 1. */
    count?: number;
    /** Ends that count. Default: all but SKIPPED. */
    on?: readonly End[];
    /** The others are cancelled when so many have ended. */
    cancelRest?: boolean;
}
/** What a task waits for. */
type WaitFor<Task = string> = readonly (Task | WaitCondition<Task> | WaitForAny<Task>)[] | WaitForAny<Task>;
/** As a task shows it. `met`: those with which it started. */
type TaskCondition = {
    task: string;
    on?: End[];
    optional?: boolean;
} | {
    anyOf: string[];
    count: number;
    on: End[];
    cancelRest?: boolean;
    met?: string[];
};

/** While one task of its definition has a key, no other one with this key is made. */
interface UniqueOptions {
    /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
    key?: string;
    /** How long it has the key: until it starts, until it has ended (the default), or for `forMs`. */
    while?: "waiting" | "active" | "forMs";
    /** From the submit on. With `while: "forMs"`, and only then. */
    forMs?: number;
    /**
     * A submit whose key another task has gets that task (the default) or a 409; or that task gets its input,
     * if it has not started; or that task is cancelled, and the new one starts when it has ended.
     */
    onConflict?: "return" | "reject" | "replace" | "cancel";
}
/** Submits with one key, each soon after the one before, make one task, which starts after the last one. */
interface DebounceOptions {
    key: string;
    /** It starts when there was no submit for so long. */
    delayMs: number;
    /** It starts so long after its first submit at the latest. Default: ten times `delayMs`. */
    maxDelayMs?: number;
    /** Which of the inputs it gets. Default: the last one. */
    input?: "last" | "first";
}
/** At most `limit` tasks with the key run at once, in all processes. */
interface ConcurrencyOptions {
    key: string;
    /** 0 to 10,000; 0 holds all. Left out: only a rule limits it. */
    limit?: number;
    /**
     * When no slot is free: wait for one (default), 409 `limit-full`, the new task ends CANCELLED, or the
     * oldest one is asked to stop.
     */
    onFull?: "queue" | "reject" | "cancel-new" | "cancel-running";
}
/** `limit` units of tasks with the key start in `periodMs`, in all processes; the others wait. */
interface RateLimitOptions {
    key: string;
    /** Left out, with `periodMs`: only a rule limits it. */
    limit?: number;
    periodMs?: number;
    /** So many units may start at once after a pause. Default 1. */
    burst?: number;
    /** What a start of this task takes. Default 1. */
    units?: number;
}
/** A result of its definition, in its version, that is there under the key already is given again. */
interface CacheOptions {
    /** How old it may be. */
    ttlMs: number;
    /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
    key?: string;
    /** Take none, and give the new one to those that come later. */
    refresh?: boolean;
}

type StateType = "SCHEDULED" | "PENDING" | "RUNNING" | "PAUSED" | "CANCELLING" | "COMPLETED" | "FAILED" | "CRASHED" | "CANCELLED";
/** The type drives logic, the name is for people. */
interface State {
    type: StateType;
    name: string;
    message: string | null;
    /** ISO 8601, UTC. */
    at: string;
}
interface HistoryEntry extends State {
    /** The state's place among the task's events. */
    seq: number;
    attempt: number;
}
/** What a task's function threw. */
interface Failure {
    name: string;
    message: string;
    cause?: Failure;
    /** Of an AggregateError. */
    errors?: Failure[];
    /** Only where the operator shows stacks. */
    stack?: string;
    /** False: another attempt would fail as well, so there was none. */
    retryable: boolean;
    /** With which an HTTP call was answered, where the error says so. */
    status?: number;
}
interface Progress {
    current: number;
    total: number | null;
    message: string | null;
}
/** A task as lists show it: without input, result, history and what bounds it. */
interface TaskSummary {
    id: string;
    /** The name of its definition. */
    task: string;
    queue: string;
    state: State;
    /** It has ended, in whatever state. */
    done: boolean;
    attempt: number;
    maxAttempts: number;
    error: Failure | null;
    progress: Progress | null;
    priority: number;
    tags: string[];
    metadata: Record<string, unknown>;
    groupId: string | null;
    parentId: string | null;
    /** Ids of the tasks that it was told to wait for; null if they are too many for a list, and only there. */
    waitFor: string[] | null;
    /** Its name in the flow that it is part of. */
    node: string | null;
    /** How some of the tasks that it waits for must end, where they need not complete. */
    conditions?: TaskCondition[];
    /** Of a task that a schedule has submitted: its name, and the time that the task is for (ISO 8601). */
    schedule?: {
        name: string;
        scheduledFor: string;
    };
    /** What people call it. */
    displayName?: string;
    /** Of its definition, when it was submitted. */
    version?: string;
    /** In lists: the beginning of its input, as JSON without what is redacted; null: a large one. */
    argsRepr?: string | null;
    /** Of a task whose result is not kept: it is null. */
    resultIgnored?: true;
    /** Of a task in whose place others are: their group. */
    replacedBy?: string;
    /** Of a task that is COMPLETED `Cached`: whose result it got. */
    cachedFrom?: string;
    /** W3C trace context of its submit, or of the call that made it. */
    traceparent?: string;
    /** What came with it, to be passed on. */
    tracestate?: string;
    /** Of a task that was made from an ended one by `rerun`: that one. */
    rerunOf?: string;
    /** Of a compensation: the task that it takes back. */
    compensates?: string;
    /** The definition that takes it back if its group does not complete. */
    compensatedBy?: string;
    createdAt: string;
    runAt: string;
    startedAt: string | null;
    finishedAt: string | null;
    expiresAt: string | null;
    links: {
        self: string;
        result: string;
        events: string;
        cancel: string;
        retry: string;
    };
}
interface Task<Result = unknown> extends TaskSummary {
    waitFor: string[];
    /** As it was given, without what its definition redacts: a future in it is `{"$task": id}`. */
    input: unknown;
    /** Null before the end as well as for a function that returned nothing: the state tells them apart. */
    result: Result | null;
    /** Longest time of one attempt; null for no limit. */
    timeoutMs: number | null;
    /** When its function is told that its time is nearly over; null for never. */
    softTimeoutMs: number | null;
    retry: TaskRetry;
    maxCrashes: number;
    retentionMs: number;
    failureRetentionMs: number;
    /**
     * How long it will pause if the present attempt fails (with jitter at most so long), or how long the pause
     * is that it is in. Null if no other attempt will follow.
     */
    nextPauseMs: number | null;
    history: HistoryEntry[];
}
/** When a failed attempt is tried again: after `delayMs * factor ** n`, at most `maxDelayMs`. */
interface RetryPolicy {
    /** Attempts in all; 1 means no retry. */
    maxAttempts?: number;
    delayMs?: number;
    factor?: number;
    maxDelayMs?: number;
    /** Draw the pause evenly from 0 to the computed one. */
    jitter?: boolean;
    /**
     * The pauses themselves; the last one is repeated. Not together with `delayMs`, `factor` and `maxDelayMs`.
     * Without `maxAttempts` there are as many retries as pauses, and without `jitter` no jitter.
     */
    delaysMs?: number[];
    /** Only after errors like one of these. */
    on?: ErrorMatch[];
    /** Not after errors like one of these. */
    notOn?: ErrorMatch[];
    /** No attempt begins so long after the first one, or after a retry on request. */
    untilMs?: number;
}
/** An error by its name, or by the status of an HTTP answer: 503, or "5xx" for all of them. */
type ErrorMatch = string | {
    status: number | string;
};
/** The policy of a task, whole. */
type TaskRetry = Required<Pick<RetryPolicy, "maxAttempts" | "delayMs" | "factor" | "maxDelayMs" | "jitter">> & Pick<RetryPolicy, "delaysMs" | "on" | "notOn" | "untilMs">;
/** What takes a task back: one more task. A signature, as `sig` makes it, is one. */
interface Compensation {
    readonly task: string;
    /** Its own input: with `into` or `immutable`. */
    readonly input?: unknown;
    /** The field of its input that gets `{ input, result }` of the task. Without it they are its input. */
    readonly into?: string;
    /** It gets its own input only. */
    readonly immutable?: boolean;
    readonly options?: Readonly<CompensationOptions>;
}
/** The options of a compensation. */
type CompensationOptions = Omit<TaskOptions, "compensate" | "waitFor" | "allowFailure" | "unique" | "debounce" | "cache" | "runAt" | "expiresAt">;
/** What a submit may say about a task, beside its input. */
interface TaskOptions {
    /** Start this much later. Not together with `runAt`. */
    delayMs?: number;
    /** Not before this instant (ISO 8601). */
    runAt?: string;
    /** Not started within this: CANCELLED Expired. Not together with `expiresAt`. */
    ttlMs?: number;
    /** Not started by this instant (ISO 8601): CANCELLED Expired. */
    expiresAt?: string;
    /** Longest time of one attempt. */
    timeoutMs?: number;
    /** After this the function is told to end; what it returns then counts. Less than `timeoutMs`. */
    softTimeoutMs?: number;
    retry?: RetryPolicy;
    /** How often it may run again after its worker died; this uses up no attempt. */
    maxCrashes?: number;
    /** −10 to 10, larger first. */
    priority?: number;
    /** Where it waits for a worker: 1 to 64 of `a-z0-9_.-`. Default: the definition's, else `default`. */
    queue?: string;
    /** What people call this run: 1 to 200 characters. */
    displayName?: string;
    tags?: string[];
    /** Yours: kept and shown, never looked at. */
    metadata?: Record<string, unknown>;
    /** How long the task is kept after its end, unless that is a failure. Default: 24 h. */
    retentionMs?: number;
    /** How long the task is kept if it ends FAILED or CRASHED. Default: 14 days. */
    failureRetentionMs?: number;
    /**
     * Tasks and groups that must have completed before it starts, by their ids; or, with conditions, have ended
     * in another way. Their results are not handed over.
     */
    waitFor?: WaitFor;
    /**
     * An upstream that does not complete does not cancel this task: it starts all the same, and a reference to
     * that upstream becomes `{ error: { name, message, … } }`.
     */
    allowFailure?: boolean;
    /** Nothing of its result is stored: whoever asks gets null, and is told so. */
    ignoreResult?: boolean;
    /** Up to 4 keys. */
    concurrency?: ConcurrencyOptions | ConcurrencyOptions[];
    /** Up to 4 keys. */
    rateLimit?: RateLimitOptions | RateLimitOptions[];
    /** Keys take turns, by their weights (default 1), within a priority. */
    fairness?: {
        key: string;
        weight?: number;
    };
    /** False: not even if the definition says so. */
    unique?: UniqueOptions | false;
    /** Not together with `unique`. */
    debounce?: DebounceOptions | false;
    /** False: not even if the definition says so. */
    cache?: CacheOptions | false;
    /**
     * Of a task in a group: what takes it back if it completes and its group does not. Those of a group run one
     * after the other, in reverse order of completion.
     */
    compensate?: Compensation;
}
interface Reported {
    at: string;
    attempt: number;
}
/** One event of a task. `seq` is its place: 1, 2, 3, … without a gap. */
type TaskEvent<Result = unknown> = {
    seq: number;
} & ({
    event: "state";
    data: HistoryEntry;
} | {
    event: "progress";
    data: Progress & Reported;
} | {
    event: "log";
    data: {
        message: string;
        data: unknown;
    } & Reported;
} | {
    event: "chunk";
    data: {
        chunk: unknown;
    } & Reported;
} | {
    event: "result";
    data: {
        id: string;
        state: State;
        result: Result;
    };
} | {
    event: "error";
    data: {
        state: State;
        error: Failure | null;
    } & Partial<Reported>;
});
/** True for a state that a task does not leave by itself. */
declare function isTerminal({ type }: State): boolean;
/** The form that an answer must have, and its name in an error. */
interface Expected {
    what: string;
    is(body: unknown): boolean;
}
declare const A_TASK: Expected;
/** True for what looks like a task of this service. */
declare function isTask(body: unknown): body is Task;

/** Any error of this client. */
declare class ErrandError extends Error {
    name: string;
}
/** What the task's function threw, or what that was caused by. */
declare class RemoteError extends Error {
    readonly retryable: boolean;
    /** Where the operator shows stacks. */
    readonly remoteStack?: string;
    /** Of an AggregateError. */
    readonly errors?: RemoteError[];
    /** With which an HTTP call was answered, where the error said so. */
    readonly status?: number;
    constructor({ name, message, cause, errors, stack, retryable, status }: Failure);
}
/**
 * The task ended FAILED: its function threw, or took too long (`state.name` is `TimedOut`). `message` and
 * `cause` are those of what was thrown, `remoteName` is its name.
 */
declare class TaskError extends ErrandError {
    name: string;
    readonly id: string;
    readonly state: State;
    readonly remoteName: string;
    readonly retryable: boolean;
    readonly remoteStack?: string;
    /** Where the function threw an AggregateError. */
    readonly errors?: RemoteError[];
    /** With which an HTTP call of the function was answered, where its error said so. */
    readonly status?: number;
    constructor({ id, state, error }: Task);
}
/** The task ended CRASHED: its workers died more often than `maxCrashes` allows. */
declare class CrashedError extends TaskError {
    name: string;
}
/**
 * The task ended CANCELLED. `state.name` says how: Cancelled, Expired, UpstreamFailed, Skipped, Superseded.
 * After UpstreamFailed the `cause` names the task that did not complete; its `cause` is that task's error.
 */
declare class CancelledError extends ErrandError {
    name: string;
    readonly id: string;
    readonly state: State;
    /** The reason of the cancel, or the service's own; null without one. */
    readonly reason: string | null;
    /** What its function returned after a cancel with `keepResult`; null if nothing was kept. */
    readonly result: unknown;
    constructor({ id, state, error, result }: Task);
}
/**
 * A group as a whole ended FAILED or CANCELLED: what AggregateException and ExceptionGroup are elsewhere.
 * `errors` are those of its first 20 failures in time, and of a missed deadline.
 */
declare class GroupError extends ErrandError {
    name: string;
    readonly groupId: string;
    readonly state: "FAILED" | "CANCELLED";
    readonly errors: (TaskError | RemoteError)[];
    constructor(groupId: string, { state, errors, total }: {
        state: string;
        errors: (TaskError | RemoteError)[];
        total: number;
    });
}
/** The task or group had not ended in time. That cancels nothing. */
declare class TimeoutError extends ErrandError {
    name: string;
}
/** The deadline of the whole iteration has come. */
declare class AsCompletedTimeoutError<Future = unknown> extends TimeoutError {
    name: string;
    readonly total: number;
    /** Those that had not ended, in the order in which they were given. */
    readonly pending: Future[];
    constructor(total: number, pending: Future[]);
}
/** The service did not answer, or the connection was cut, for as long as the call was tried. */
declare class ConnectionError extends ErrandError {
    name: string;
}
/** Something else than this service answered: the message says what was expected and what came. */
declare class UnexpectedAnswerError extends ErrandError {
    name: string;
    readonly status: number;
    constructor(message: string, status: number, options?: ErrorOptions);
}
/** An answer of the service that is no success (RFC 9457). */
interface Problem {
    /** `/problems/<slug>` */
    type: string;
    title: string;
    status: number;
    detail: string;
    instance?: string;
    errors?: {
        pointer: string;
        message: string;
    }[];
    [member: string]: unknown;
}
/** The service refused the call. Further classes exist for what callers branch on. */
declare class ProblemError extends ErrandError {
    name: string;
    readonly problem: Problem;
    readonly status: number;
    constructor(problem: Problem);
    /** The last part of the problem's `type`, as `validation-failed`. */
    get slug(): string;
    /** The faults in what was sent; each with a JSON Pointer to its place. */
    get errors(): {
        pointer: string;
        message: string;
    }[];
}
/** 422: what was sent breaks a rule. `errors` points at it. Nothing was stored. */
declare class ValidationError extends ProblemError {
    name: string;
}
/** 422: the service has no definition of this name. */
declare class UnknownDefinitionError extends ValidationError {
    name: string;
    /** Names that look like it, best first. */
    get nearest(): string[];
}
/** 422: `map` was given nothing to go through. */
declare class MappingMissingIterableError extends ValidationError {
    name: string;
}
/** 422: `map` was given iterables of different lengths. */
declare class MappingLengthMismatchError extends ValidationError {
    name: string;
}
/** 409: the state of the task does not allow it, or an id or key is taken. */
declare class ConflictError extends ProblemError {
    name: string;
}
/** 404: no task or group has this id, or its retention is over; or no schedule has this name. */
declare class NotFoundError extends ProblemError {
    name: string;
    /** What is missing: `task`, `group` or `schedule`. */
    get kind(): string;
}
/** 410: the task was deleted on request. */
declare class ForgottenError extends ProblemError {
    name: string;
}
/** 401 or 403: the token is missing, wrong, or may not do this. */
declare class UnauthorizedError extends ProblemError {
    name: string;
}
/** 429, 502, 503 or 504, also after the retries. */
declare class UnavailableError extends ProblemError {
    name: string;
    /** The pause that the service asks for (`Retry-After`). */
    readonly retryAfterMs: number;
    constructor(problem: Problem, retryAfterMs: number);
}

interface Answer {
    status: number;
    headers: Headers;
    body: any;
}
/**
 * The JSON of a successful answer; null for one without a body.
 *
 * @throws {ProblemError} for a refusal
 * @throws {UnexpectedAnswerError} for what this service never answers
 */
declare function readAnswer(response: Response, call: string, expected: Expected | null): Promise<Answer>;
/** The body of a successful answer that is a stream of events. */
declare function readStream(response: Response, call: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
/** `fetch` says it with a TypeError, whose cause may say more. */
declare function connectionError(call: string, error: unknown): ConnectionError;
/** @throws {UnexpectedAnswerError} if it is no JSON object */
declare function parseEvent(data: string, call: string): any;

interface RetryRule {
    /** Go on trying for this long. 0: no second try. */
    forMs: number;
    /** The first pause; each next one is twice as long. */
    delayMs: number;
    /** The longest pause. */
    maxDelayMs: number;
}
declare const RETRY: RetryRule;
/** The pauses of one call. Their time begins with the first failure: a long wait before it does not count. */
declare class Backoff {
    #private;
    failures: number;
    constructor(rule: RetryRule);
    /** For how long it has been failing. */
    get elapsedMs(): number;
    /**
     * The pause before the next try, spread so that many clients do not come back together; null when the time
     * is up.
     *
     * @param atLeastMs what the server asked for
     */
    next(atLeastMs?: number): number | null;
    /** A try succeeded: the next failure begins anew. */
    reset(): void;
}

declare function whatIs(value: unknown): string;

/** True if JSON.stringify writes this finite number as it is. */
declare function isWrittenExactly(value: number): boolean;
/**
 * A replacer for JSON.stringify, which then writes all finite numbers as they are.
 *
 * @throws {TypeError} where JSON.rawJSON is missing, of a number that needs it
 */
declare function exactly(_key: string, value: unknown): unknown;

/**
 * Undefined for undefined.
 *
 * @throws {TypeError} naming the first part that JSON cannot hold, and where it is
 */
declare function jsonText(value: unknown): string | undefined;

interface Timeout {
    /**
     * Milliseconds; 0: only if it is there now. Left out: no limit. Anything else, as a number below 0, is a
     * RangeError in every call, before it has asked or cancelled anything.
     */
    timeoutMs?: number;
    signal?: AbortSignal;
}
/** @throws {RangeError} if it is no number of milliseconds. */
declare function checkTimeout(timeoutMs: number | undefined): number;
/**
 * What another system takes by its place, or calls otherwise, would be no limit at all here.
 *
 * @throws {TypeError}
 */
declare function requireOptions(options: Timeout): void;
/** An instant on the clock that only goes forward. */
declare class Deadline {
    #private;
    constructor(timeoutMs: number);
    /** Never below 0. */
    get leftMs(): number;
}
/** Calls back after `ms`, or never if that is infinite. Returns what stops it. */
declare function after(ms: number, call: () => void): () => void;
declare function pause(ms: number, signal?: AbortSignal): Promise<void>;
/** Calls back at the abort of a signal, which is not aborted yet. Returns what stops that. */
declare function onAbort(signal: AbortSignal | undefined, call: () => void): () => void;
/** What ends a piece of work: the caller's signal, a while in which nothing came, or the end of its use. */
declare class Limit {
    #private;
    constructor(outer?: AbortSignal);
    get signal(): AbortSignal;
    /** From now on something must come within `ms`. */
    within(ms: number): void;
    /** It came: the time that its user takes does not count. */
    rest(): void;
    /** Ends it with this reason. */
    abort(reason?: unknown): void;
    /** Must be called in any case: stops the timer, leaves the outer signal, and ends what still runs. */
    end(): void;
}

interface HttpOptions {
    /** Where the service is, as `http://127.0.0.1:8000`; a path is kept. */
    url: string | URL;
    /** Sent as `Authorization: Bearer …`. */
    token?: string;
    /** Sent with every call. */
    headers?: Record<string, string>;
    /** In place of the platform's `fetch`. */
    fetch?: typeof fetch;
    /** How long calls that are safe to repeat are tried again. Default: 10 s, pauses from 0.1 to 2 s. */
    retry?: Partial<RetryRule>;
    /**
     * How long one request may stay without its answer, beyond the time that it asks the service to wait.
     * Default 30 s.
     */
    requestTimeoutMs?: number;
}
interface Call {
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
    /** With its query, from the service's own root on. */
    path: string;
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal;
    /** What a successful answer must look like. Null: it has no body. */
    expects: Expected | null;
    /** So much longer than usual the answer may take: the service was asked to wait, or has much to do. */
    waitMs?: number;
    /** Go on trying for no longer than this. */
    tryForMs?: number;
}
declare class Http {
    #private;
    readonly requestTimeoutMs: number;
    readonly retry: RetryRule;
    /** @throws {TypeError} for an invalid URL or header */
    constructor({ url, token, headers, fetch, retry, requestTimeoutMs }: HttpOptions);
    /** Resolves with the answer to a call. */
    call(call: Call): Promise<Answer>;
    /** The pauses between the tries of a call. */
    backoff({ tryForMs }: Pick<Call, "tryForMs">): Backoff;
    /** Where a path of the service is. */
    urlOf(path: string): string;
    /** @throws {TypeError} if JSON cannot hold a part of the body */
    request({ method, path, body, headers }: Omit<Call, "expects">): Request;
}
/** A call in the form in which it is sent, once or several times. */
interface Request {
    /** Its name in errors. */
    name: string;
    send(signal: AbortSignal): Promise<Response>;
}
/** Errors that another try may not meet again. */
declare function isPassing(error: unknown): boolean;
/** The pause that the service asked for. */
declare function askedMs(error: unknown): number;

interface StreamEvent {
    id: string | undefined;
    event: string;
    /** JSON text. */
    data: string;
}
interface StreamOptions {
    /** The events that are an end. */
    last?: readonly string[];
    /** True when the reader needs no more: a stream that is cut then is not opened again. */
    isComplete?(): boolean;
}
/**
 * The events, up to and with the last one. Leaving the loop closes the connection.
 *
 * @throws {ConnectionError} if for as long as `retry.forMs` no connection lasts or brings an event
 */
declare function eventStream(http: Http, call: Omit<Call, "expects">, { last, isComplete }?: StreamOptions): AsyncGenerator<StreamEvent>;

/** What one request may ask for. */
declare const MOST_IDS = 1000;
type Completion = {
    kind: "task";
    task: Task;
}
/** It was deleted, or its retention was over, before it could be told. */
 | {
    kind: "gone";
    id: string;
} | {
    kind: "timeout";
};
/** Tasks by their ids, or all of a group whose size is known. */
type Asked = {
    ids: string[];
} | {
    groupId: string;
    total: number;
};
/** Ends after the last task, or after a `timeout`. */
declare function completions(http: Http, asked: Asked, { timeoutMs, tryForMs, signal }?: {
    timeoutMs?: number;
    tryForMs?: number;
    signal?: AbortSignal;
}): AsyncGenerator<Completion>;

/** What `call` makes of each, in order, with a few calls under way at a time. */
declare function inParallel<T, R>(list: readonly T[], call: (each: T) => Promise<R>): Promise<R[]>;

/** The ids that an answer points at as unknown or forgotten; `ids` as they were sent. */
declare function missingOf(ids: string[], error: unknown): string[];
/** Tells for each id the task, if it is there after all, or the error that says why not. */
declare function explain(http: Http, ids: string[], tell: (id: string, what: {
    task: Task;
} | {
    error: unknown;
}) => void): Promise<void>;

interface Waiter {
    onEnd(task: Task): void;
    /** It is not there, or the service cannot be reached. */
    onError(error: unknown): void;
}
declare class CompletionHub {
    #private;
    constructor(http: Http);
    /** Tells the waiter once, after this call. Returns what stops that. */
    watch(id: string, waiter: Waiter): () => void;
}

declare class StatusBatcher {
    #private;
    constructor(http: Http);
    /**
     * The ended task; null if it has not ended.
     *
     * @throws {ConnectionError} if the service does not answer within two seconds
     */
    ended(id: string): Promise<Task | null>;
}

/** What the futures of one client share. */
interface Connection {
    readonly http: Http;
    readonly completions: CompletionHub;
    readonly statuses: StatusBatcher;
    /** Told of errors in callbacks, which no caller could catch. */
    readonly log: (message: string, error: unknown) => void;
}

/**
 * Makes instances show these members, as far as they are known. It asks nothing: what it shows was seen
 * before.
 */
declare function onInspect<T extends object>(type: abstract new (...all: any[]) => T, shown: (instance: T) => Record<string, unknown>): void;

/** Of one result, or of several. */
interface ResultsOptions extends Timeout {
    /** False: the error of a task that did not complete is given in the place of its value, and not thrown. */
    raiseOnFailure?: boolean;
}
interface ResultOptions extends ResultsOptions {
    /**
     * True: at the timeout, also of 0, the task is cancelled, its end awaited, and a result that came first is
     * returned all the same, as Python's `asyncio.wait_for`.
     */
    cancelOnTimeout?: boolean;
    /** True: an abort of `signal` cancels the task. */
    cancelOnAbort?: boolean;
}
interface CancelOptions {
    /** How long a running function may take to stop. */
    graceMs?: number;
    /**
     * True: the tasks that it has submitted are cancelled too, and theirs. Default: true for a task of a
     * flow.
     */
    children?: boolean;
    /** True: only if it has not started. One that has is not asked to stop: too late. */
    onlyWaiting?: boolean;
    /** True: what its function still returns is kept, as the `result` of its CancelledError and its task. */
    keepResult?: boolean;
    signal?: AbortSignal;
}
/** What answers a cancel. */
declare const AN_OUTCOME: Expected;

/** How many of a group were cancelled at once, were asked to stop, and had ended before. */
interface GroupCancel {
    cancelled: number;
    requested: number;
    tooLate: number;
}
type GroupCancelOptions = CancelOptions;
/** Which tasks; of a filter, all that it says must hold. */
type TasksToCancel = {
    ids: readonly string[];
} | {
    filter: CancelFilter;
}
/** All that the token may know. */
 | {
    all: true;
};
interface CancelFilter {
    /** Types of states, of tasks that have not ended. Default: any of them. */
    state?: readonly StateType[];
    /** The name of a definition. */
    task?: string;
    queue?: string;
    tag?: string;
    groupId?: string;
    parentId?: string;
    /** ISO 8601. */
    createdAfter?: string;
    /** ISO 8601. */
    createdBefore?: string;
    /** The beginning of an id, or a part of an error. */
    q?: string;
}
/** As of a group; `notFound`: of the ids, those of no task that the token may know. */
interface TasksCancel extends GroupCancel {
    notFound: number;
}
declare function cancelGroup({ http }: Connection, groupId: string, reason?: string, { signal, ...how }?: GroupCancelOptions): Promise<GroupCancel>;
declare function cancelTasks({ http }: Connection, which: TasksToCancel, reason?: string, { signal, ...how }?: CancelOptions): Promise<TasksCancel>;

/**
 * The id in the form in which the service tells it.
 *
 * @throws {TypeError} if it is no UUID
 */
declare function checkId(of: "task" | "group", id: string): string;
/** 128 random bits. (`crypto.randomUUID` is missing in pages that came over plain http.) */
declare function aKey(): string;

/** A policy of a group. Without one its tasks go on after a failure, and it ends when all have ended. */
interface GroupOptions {
    /**
     * What a failure does, once there are more than `maxFailures`: nothing (the default); what has not ended is
     * cancelled, and the group ends FAILED when all has stopped; or likewise, but it is FAILED at once.
     */
    onFailure?: "continue" | "cancel-rest" | "cancel-all-and-fail";
    /** So many failures make the group neither stop nor end FAILED. Default 0. */
    maxFailures?: number;
    /** Not ended within this: what has not ended is cancelled, and the group ends FAILED. */
    timeoutMs?: number;
    /** Likewise at this instant (ISO 8601). Not together with `timeoutMs`. */
    deadlineAt?: string;
}
/** How far a group has come that takes its completed tasks back. */
interface GroupCompensation {
    /** The group of the compensations; null until there is one. */
    groupId: string | null;
    /** So many tasks have completed and have a compensation. */
    total: number;
    /** So many compensations have completed. */
    done: number;
    /** So many have ended otherwise, or could not be submitted. */
    failed: number;
    /** ISO 8601; null until all of them have ended. */
    endedAt: string | null;
}
/**
 * CANCELLING: what had not ended was cancelled, and some of it runs still; or what has completed is taken
 * back.
 */
type GroupState = "RUNNING" | "CANCELLING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** How a group has ended. */
interface GroupOutcome {
    state: "COMPLETED" | "FAILED" | "CANCELLED";
    /**
     * Of its first 20 failures in time, of its deadline, and of compensations; also of those that its policy
     * allows for.
     */
    errors: (TaskError | RemoteError)[];
    total: number;
    /** How many of its tasks ended in which state. */
    counts: Partial<Record<StateType, number>>;
    /** How its completed tasks were taken back; null if none was. */
    compensation: GroupCompensation | null;
}
interface Told {
    state: GroupState;
    errors: {
        id: string | null;
        state: State | null;
        error: Failure;
    }[];
    total: number;
    counts: GroupOutcome["counts"];
    /** Left out by releases before it. */
    compensation?: GroupCompensation | null;
}
declare const A_GROUP_STATE: Expected;
/**
 * The outcome, as soon as it is there.
 *
 * @throws {TimeoutError} at the timeout
 */
declare function outcomeOf(connection: Connection, groupId: string, { timeoutMs, signal }: Timeout): Promise<GroupOutcome>;
declare function groupState({ http }: Connection, groupId: string, { seconds, signal }: {
    seconds?: number;
    signal?: AbortSignal;
}): Promise<Told>;
/** Null for a group that completed. */
declare function groupErrorOf(groupId: string, { state, errors, total }: Pick<GroupOutcome, "state" | "errors" | "total">): GroupError | null;
declare function errorOf({ id, state, error }: Told["errors"][number]): TaskError | RemoteError;

/** What was last told of a task, for those who look at its future. */
interface Seen {
    /** The name of its definition. */
    task: string;
    type?: StateType;
}
declare class Settlement<Result> {
    #private;
    constructor(connection: Connection, id: string, seen?: Seen);
    get seen(): Seen | undefined;
    see({ task, state: { type } }: Pick<Task, "task" | "state">): void;
    /** The ended task; null if its end has not been seen, or may be taken back. */
    get task(): Task<Result> | null;
    /** Returns a function to call with the ended task: it counts only if no retry came since now. */
    settler(): (task: Task) => void;
    /** The task is run again, or gone. */
    forget(): void;
    /** Runs it at the end, in the order in which they were added; at once if that has been seen. */
    addCallback(of: unknown, run: () => void): void;
    /** Returns how many there were. */
    removeCallback(of: unknown): number;
    /**
     * The ended task, as soon as it has ended.
     *
     * @throws {TimeoutError} at the timeout
     */
    wait(options: Timeout): Promise<Task<Result>>;
}

/** What it is, as `sig` makes it. */
interface Continuation {
    readonly task: string;
    readonly input?: unknown;
    readonly into?: string;
    readonly immutable?: boolean;
    readonly waitFor?: WaitFor;
    readonly allowFailure?: boolean;
    readonly options?: Readonly<TaskOptions>;
}
/**
 * Submits it: one task, however often the call is sent.
 *
 * @throws {TypeError} if it is more than one task, or none
 */
declare function submitContinuation({ http }: Connection, upstream: string, on: readonly End[], continuation: Continuation): Promise<{
    id: string;
    seen: Seen;
}>;

/**
 * Sends the retry under the version of the task that it is meant for. Deno's `fetch` sends a POST again by
 * itself when a kept-alive connection is cut; the second one then finds another version, and is refused.
 *
 * @throws {ConflictError} if the task has not ended, or completed
 */
declare function retryOnce(http: Http, id: string, change: {
    input?: unknown;
}, signal: AbortSignal | undefined): Promise<void>;

/** Null for a task that completed. */
declare function errorOf(task: Task): TaskError | CancelledError | null;

/** Only a type: what stands for a value of a type. */
declare const STANDS_FOR: unique symbol;
/**
 * What stands in an input for a value that is not there yet, as a `TaskFuture`, or for one that is passed on
 * unread.
 */
interface Reference<out T> {
    readonly [STANDS_FOR]: T;
}
/** What a call takes where its definition wants a `T`: anywhere in it a future may stand for its result. */
type Given<T> = Reference<T> | Deep<T>;
type Deep<T> = unknown extends T ? T : T extends readonly unknown[] ? {
    readonly [Index in keyof T]: Given<T[Index]>;
} : T extends object ? {
    readonly [Field in keyof T]: Given<T[Field]>;
} & {
    readonly [STANDS_FOR]?: never;
} : T;
/** A value that arrives as it is, whatever it looks like. Made by `quote`. */
declare class Quoted<T> implements Reference<T> {
    readonly [STANDS_FOR]: T;
    readonly value: T;
    constructor(value: T);
    toJSON(): {
        $quote: T;
    };
}
/**
 * Data that looks like a reference, as `{ $task: "laundry" }`, and is none. The service hands over what is in
 * it as it is; a future in it arrives as `{"$task": id}`, and nothing waits for it.
 */
declare function quote<T>(value: T): Quoted<T>;
/** A result, or what stands for it if its task does not complete. */
type OrError<T> = T | {
    error: Failure;
};
/** Made by `allowFailure`. */
declare class FailureAllowed<T> implements Reference<OrError<T>> {
    readonly [STANDS_FOR]: OrError<T>;
    readonly id: string;
    constructor(id: string);
    toJSON(): {
        $task: string;
        $allowFailure: true;
    };
}
/** Made by `allowFailure` of a group. */
interface FailuresAllowed<T> extends Reference<OrError<T>[]> {
    readonly id: string;
    toJSON(): {
        $task: string;
        $allowFailure: true;
    };
}
/**
 * In an input: the future's result, or `{ error: { name, message, … } }` if its task does not complete; of
 * the future of a group the results of its tasks, each likewise. The task that takes it is not cancelled for
 * that.
 */
declare function allowFailure<T>(future: Reference<T> & {
    readonly id: string;
}): FailureAllowed<T>;
declare function allowFailure<T>(group: Reference<readonly T[]> & {
    readonly groupId: string;
}): FailuresAllowed<T>;

type DoneCallback<Result> = (future: TaskFuture<Result>) => unknown;
/** For the rest of the client, and not for its users. */
declare let internals: {
    connectionOf(future: TaskFuture): Connection;
    settlementOf(future: TaskFuture): Settlement<unknown>;
    isFuture(value: unknown): boolean;
};
/**
 * A task's future, in any process and at any time: it survives the one that submitted.
 *
 * It has no `then`, on purpose: an `async` function can return it without waiting for the task. Every wait is
 * a visible `result()`. Once it has seen the task's end it keeps it and asks no more.
 *
 * In the input of another task it stands for its result.
 */
declare class TaskFuture<Result = unknown> implements Reference<Result> {
    #private;
    readonly [STANDS_FOR]: Result;
    readonly id: string;
    /** The submit made no task: another one had its unique key. */
    readonly deduplicated: boolean;
    /** Made by a client: `submit`, `map`, `future`. */
    constructor(connection: Connection, id: string, seen?: Seen, deduplicated?: boolean);
    /**
     * Waits for the value. Null if the function returned nothing.
     *
     * @throws {TaskError} if it failed, {@linkcode CrashedError} if its workers died too often
     * @throws {CancelledError} if it was cancelled, or expired
     * @throws {TimeoutError} at the timeout; the task goes on
     * @throws {NotFoundError | ForgottenError} if there is no such task any more
     */
    result(options?: ResultOptions & {
        raiseOnFailure?: true;
    }): Promise<Result>;
    result(options: ResultOptions): Promise<Result | TaskError | CancelledError>;
    /**
     * Waits for the end. The error with which the task failed; null if it completed.
     *
     * @throws {CancelledError | TimeoutError | NotFoundError | ForgottenError} as `result`
     */
    exception(options?: Timeout): Promise<TaskError | null>;
    /** Waits for the end, whatever it is. True: it has ended; false: not in time. */
    wait(options?: Timeout): Promise<boolean>;
    /** The whole task as it is now. */
    task({ signal }?: {
        signal?: AbortSignal;
    }): Promise<Task<Result>>;
    state(options?: {
        signal?: AbortSignal;
    }): Promise<State>;
    /** True if it has ended: completed, failed, crashed or cancelled. */
    done(options?: {
        signal?: AbortSignal;
    }): Promise<boolean>;
    /** True while its function runs, also while that is asked to stop. */
    running(options?: {
        signal?: AbortSignal;
    }): Promise<boolean>;
    /** True if it ended by a cancel, or expired. */
    cancelled(options?: {
        signal?: AbortSignal;
    }): Promise<boolean>;
    /** True if the service knows it; false if nobody ever submitted it, or it is gone. */
    exists(options?: {
        signal?: AbortSignal;
    }): Promise<boolean>;
    /**
     * True: it is cancelled (also if it was before), or it runs and was asked to stop. A function may ignore
     * that for `graceMs`. False: it was too late, the task has ended otherwise.
     */
    cancel(reason?: string, { signal, ...how }?: CancelOptions): Promise<boolean>;
    /**
     * Runs an ended task that did not complete once more, under the same id, perhaps with another input
     * (without futures). Dependents that its failure had cancelled wait for it again. The task is retried once,
     * however often the call is sent, and also if another caller retries it at the same moment.
     *
     * @throws {ConflictError} if it has not ended, or completed
     */
    retry({ signal, ...change }?: {
        input?: unknown;
        signal?: AbortSignal;
    }): Promise<void>;
    /**
     * Deletes the ended task and all that it stored. From then on it is a ForgottenError.
     *
     * @throws {ConflictError} if it has not ended
     */
    forget({ signal }?: {
        signal?: AbortSignal;
    }): Promise<void>;
    /**
     * Everything that happens to the task, from the first event on, or behind the one numbered `after`. Goes on
     * by itself after a cut, with nothing missing and nothing twice. Ends behind the `result` or `error`.
     */
    events(options?: {
        after?: number;
        signal?: AbortSignal;
    }): AsyncGenerator<TaskEvent<Result>>;
    /**
     * Called once with this future when the task has ended; at once if that is known already. Callbacks run in
     * the order in which they were added. What one throws is logged, and nothing else. It waits without a
     * limit, also for a service that is away. If there is no such task, that is logged.
     */
    addDoneCallback(callback: DoneCallback<Result>): void;
    /** Returns how many there were. */
    removeDoneCallback(callback: DoneCallback<Result>): number;
    /**
     * Submits a task, made by `sig`, that starts when this one has completed, and is CANCELLED `Skipped` if it
     * ends otherwise. It gets the result: as the field `into`; without an input, as its input; else not at all.
     */
    onCompleted<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>>;
    /** Likewise when this one has FAILED or CRASHED. It gets `{error}` in place of a result. */
    onFailed<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>>;
    /** Likewise when this one has ended CANCELLED, but not `Skipped`. */
    onCancelled<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>>;
    /** In an input it stands for its result. */
    toJSON(): {
        $task: string;
    };
    /** Its id. */
    toString(): string;
}

/** A task, and the futures in a list that stand for it. */
interface Awaited<Future extends TaskFuture> {
    /** The first of them. */
    future: Future;
    /** True if one of them has seen the end. */
    hasEnded(): boolean;
    /** Tells all of them. */
    settle(task: Task): void;
    /** How the task stands was told, without its result. */
    see(task: TaskSummary): void;
}
/**
 * A group stays one: its stream tells all of it.
 *
 * @throws {TypeError} if it is not a list of futures and nothing else
 */
declare function listOf<Future extends TaskFuture>(futures: Iterable<Future>): readonly Future[];
/**
 * Each task once, in the order of the list.
 *
 * @throws {TypeError} as `listOf`
 */
declare function distinct<Future extends TaskFuture>(futures: Iterable<Future>): Awaited<Future>[];
/** What one request can ask for. */
interface Part<Future extends TaskFuture> {
    connection: Connection;
    /** By the ids of the tasks. */
    tasks: Map<string, Awaited<Future>>;
}
/** By service, as futures of several may be waited for together. */
declare function partsOf<Future extends TaskFuture>(tasks: Iterable<Awaited<Future>>): Part<Future>[];
/**
 * What one stream can tell of: a part, or a whole group. Of a group the service may tell more than was asked.
 */
interface StreamPart<Future extends TaskFuture> extends Part<Future> {
    asked: Asked;
}
/** A large group is one stream, whatever its size: hundreds of them would be too much for the service. */
declare function streamPartsOf<Future extends TaskFuture>(tasks: Iterable<Awaited<Future>>, group: GroupLike | null): StreamPart<Future>[];
/** A list of futures that are the tasks of a group, all of them. */
interface GroupLike {
    readonly groupId: string;
    readonly length: number;
}
/** What `map` and `run` make. Their classes cannot be imported here. */
declare function isGroup(futures: unknown): futures is GroupLike;

/** The values of several sources, as they come. Leaving the loop, or an error of one, ends them all. */
declare function merged<T>(sources: AsyncGenerator<T>[]): AsyncGenerator<T>;

/**
 * The futures in the order in which their tasks end: those that have ended first, then each as it does, the
 * cancelled ones too, duplicates once. Goes on by itself after a cut. Leaving the loop closes the connection.
 *
 * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
 * @throws {AsCompletedTimeoutError} at the deadline, as "2 (of 5) futures unfinished"; nothing is cancelled
 * by that
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there at the start
 */
declare function asCompleted<Future extends TaskFuture>(futures: Iterable<Future>, options?: Timeout): AsyncGenerator<Future>;

interface GatherOptions extends Timeout {
    /** True: the error of a task that has no result stands in its place among the results. */
    returnExceptions?: boolean;
    /** True: an abort of `signal` cancels the tasks that have not ended. */
    cancelOnAbort?: boolean;
}
/** For a tuple of futures the tuple of their results, each of its own type. */
type ResultsOf<Futures, Also = never> = Futures extends readonly TaskFuture[] ? number extends Futures["length"] ? (ResultIn<Futures[number]> | Also)[] : {
    -readonly [Index in keyof Futures]: ResultIn<Futures[Index]> | Also;
} : Futures extends Iterable<infer Future> ? (ResultIn<Future> | Also)[] : never;
type ResultIn<Future> = Future extends TaskFuture<infer Result> ? Result : never;
/**
 * The results in the order of the futures, whatever the order of their ends.
 *
 * Without `returnExceptions` the first failure in time is thrown as soon as it is there; the other tasks go
 * on.
 *
 * @throws {AsCompletedTimeoutError} at the timeout; the tasks go on
 */
declare function gather<const Futures extends Iterable<TaskFuture>>(futures: Futures, options?: GatherOptions & {
    returnExceptions?: false;
}): Promise<ResultsOf<Futures>>;
declare function gather<const Futures extends Iterable<TaskFuture>>(futures: Futures, options: GatherOptions): Promise<ResultsOf<Futures, ErrandError>>;
/**
 * What `valueOf` makes of each ended task, in the order of the futures. Its first error in time is thrown as
 * soon as it is there.
 */
declare function inPlaces<Future extends TaskFuture, Value>(futures: readonly Future[], limits: Timeout, valueOf: (future: Future) => Promise<Value>): Promise<Value[]>;
/**
 * Cancels all that have not ended, a few at a time. Returns for each whether it was in time. An error at one
 * does not stop the others.
 */
declare function cancelAll(futures: readonly TaskFuture[], reason?: string, options?: CancelOptions): Promise<boolean[]>;

declare const RETURN_WHEN: readonly ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"];
/**
 * `FIRST_COMPLETED`: one has ended, a cancelled one counts. `FIRST_EXCEPTION`: one has failed, a cancelled
 * one does not count; or all have ended. `ALL_COMPLETED`: all have ended.
 */
type ReturnWhen = typeof RETURN_WHEN[number];
interface WaitOptions extends Timeout {
    /** Default `ALL_COMPLETED`. */
    returnWhen?: ReturnWhen;
}
/** Both in the order in which they were given; duplicates once. */
interface DoneAndNotDone<Future extends TaskFuture> {
    done: Future[];
    notDone: Future[];
}
/**
 * Waits until `returnWhen` is true or the time is over. The latter is no error, and cancels nothing.
 *
 * @throws {ConnectionError} if at the end of the time the service cannot be asked for their states
 * @throws {RangeError} for another `returnWhen`
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there
 */
declare function wait<Future extends TaskFuture>(futures: Iterable<Future>, options?: WaitOptions): Promise<DoneAndNotDone<Future>>;

/** A frozen array: it stands for a group, whose members do not change. */
declare class TaskFutures<Result = unknown> extends Array<TaskFuture<Result>> {
    #private;
    /** The id of the group; null for a list that is no group. */
    readonly groupId: string | null;
    /** Made by a client's `map`; of other groups by their futures. */
    constructor(futures: readonly TaskFuture<Result>[], groupId: string | null);
    static get [Symbol.species](): ArrayConstructor;
    /**
     * All values in the order of the inputs. The first failure in time is thrown as soon as it is there; the
     * other tasks go on. (`inOrder` throws at its turn.) With `raiseOnFailure: false` each error stands in its
     * place.
     *
     * @throws as `TaskFuture.result`
     * @throws {AsCompletedTimeoutError} at the timeout, which is one for all
     */
    results(options?: ResultsOptions & {
        raiseOnFailure?: true;
    }): Promise<Result[]>;
    results(options: ResultsOptions): Promise<(Result | TaskError | CancelledError)[]>;
    /**
     * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed
     * is thrown at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
     *
     * @param options `timeoutMs` is one deadline for the whole iteration, from this call on; with
     * `raiseOnFailure: false` an error stands in its place, and the iteration goes on
     */
    inOrder(options?: ResultsOptions & {
        raiseOnFailure?: true;
    }): AsyncGenerator<Result>;
    inOrder(options: ResultsOptions): AsyncGenerator<Result | TaskError | CancelledError>;
    /** The futures as their tasks end. */
    asCompleted(options?: Timeout): AsyncGenerator<TaskFuture<Result>>;
    /** Waits until `returnWhen` is true of them, or the time is over, which is no error. */
    wait(options?: WaitOptions): Promise<DoneAndNotDone<TaskFuture<Result>>>;
    /**
     * Cancels those that have not ended, one by one. Returns for each whether it was in time.
     * `errand.group(groupId).cancel()` takes one call for all, and returns how many.
     */
    cancel(reason?: string, options?: CancelOptions): Promise<boolean[]>;
}

/** How many tasks of a group there are in which state. */
interface GroupCounts {
    total: number;
    /** How many have ended, in whatever state. */
    done: number;
    /** By the type of the state; a type that no task is in may be missing. */
    counts: Partial<Record<StateType, number>>;
}
/** The tasks of a group in order, and who waits for whom. */
interface GroupGraph {
    nodes: {
        id: string;
        name: string | null;
        task: string;
        state: State;
    }[];
    /**
     * By ids, from the task that is waited for to the one that waits; null if there are too many of them to
     * tell.
     */
    edges: {
        from: string;
        to: string;
    }[] | null;
}
/**
 * The future of a group from its id alone, in any process and at any time: `errand.group(id)`. In the input
 * of a task it stands for the values of all its tasks, in order.
 */
declare class GroupFuture<Result = unknown, Whole = Result[]> implements Reference<Whole> {
    #private;
    readonly [STANDS_FOR]: Whole;
    readonly groupId: string;
    /** Made by a client: `run`, `group`. */
    constructor(connection: Connection, groupId: string);
    /**
     * The futures of its tasks, in order. (Of a group of more than 1,000: in the order in which they were
     * submitted, without those that are deleted.)
     *
     * @throws {NotFoundError} if there is no such group any more
     */
    members({ signal }?: {
        signal?: AbortSignal;
    }): Promise<TaskFutures<Result>>;
    /**
     * The values of all its tasks, in order.
     *
     * @throws as `TaskFutures.results`
     */
    results(options?: ResultsOptions & {
        raiseOnFailure?: true;
    }): Promise<Result[]>;
    results(options: ResultsOptions): Promise<(Result | TaskError | CancelledError)[]>;
    /**
     * How it has ended as a whole, as soon as it has. With a policy (`group` of `run` and `map`) that is final;
     * without one it follows from its tasks, and a retry of one takes it back.
     *
     * @throws {TimeoutError} at the timeout
     */
    outcome(options?: Timeout): Promise<GroupOutcome>;
    /**
     * The values of all its tasks, in order, once it has ended. Where its policy allows for failures their
     * errors stand in their places.
     *
     * @throws {GroupError} if it ended FAILED or CANCELLED, with all errors
     * @throws {TimeoutError} at the timeout
     */
    result({ timeoutMs, signal }?: Timeout): Promise<Whole>;
    /** As it is now. */
    state({ signal }?: {
        signal?: AbortSignal;
    }): Promise<GroupState>;
    /** The errors of its first 20 failures so far, in time, and of a missed deadline. */
    errors({ signal }?: {
        signal?: AbortSignal;
    }): Promise<(TaskError | RemoteError)[]>;
    /** How far it has come with taking its completed tasks back; null if it does not. */
    compensation({ signal }?: {
        signal?: AbortSignal;
    }): Promise<GroupCompensation | null>;
    /** The futures as their tasks end. */
    asCompleted({ timeoutMs, signal }?: Timeout): AsyncGenerator<TaskFuture<Result>>;
    /** Waits until `returnWhen` is true of its tasks, or the time is over, which is no error. */
    wait({ timeoutMs, signal, returnWhen }?: WaitOptions): Promise<DoneAndNotDone<TaskFuture<Result>>>;
    /**
     * Cancels all that have not ended, in one call: those that wait at once, those that run as soon as they
     * stop.
     */
    cancel(reason?: string, options?: GroupCancelOptions): Promise<GroupCancel>;
    /** How it stands now. */
    counts({ signal }?: {
        signal?: AbortSignal;
    }): Promise<GroupCounts>;
    /** Its tasks as they stand now, and who waits for whom; null for a group of more than 1,000. */
    graph({ signal }?: {
        signal?: AbortSignal;
    }): Promise<GroupGraph | null>;
    /** True if the service knows it. */
    exists(options?: {
        signal?: AbortSignal;
    }): Promise<boolean>;
    /** In an input it stands for the results of its tasks. */
    toJSON(): unknown;
    /** Its id. */
    toString(): string;
}

/** The ids of the tasks in it, each once. */
declare function idsIn(expression: unknown): string[];
/** The expression with what `of` makes of a task in the place of each. */
declare function resolved(expression: unknown, of: (id: string) => unknown): unknown;

type FlowResultOptions = ResultsOptions;
/** What the service says of a flow that it has taken. */
interface Flow {
    groupId: string;
    /** By name. */
    tasks: Record<string, {
        id: string;
        task: string;
        state?: State;
    }>;
    /** What the whole hands on: JSON with references to tasks. */
    result: unknown;
}
declare const A_FLOW: Expected;
/**
 * A canvas that was run. It stands for what the whole hands on: `result()` gives that, and so does the future
 * in the input of another task.
 */
declare class FlowFuture<Result = unknown> extends GroupFuture<unknown, Result> implements Reference<Result> {
    #private;
    readonly [STANDS_FOR]: Result;
    /** Of all its tasks, in the order of the canvas. */
    readonly futures: TaskFutures;
    /** Made by a client's `run`. */
    constructor(connection: Connection, { groupId, tasks, result }: Flow);
    /** The names of its tasks, in the order of `futures`. */
    get names(): string[];
    /**
     * The future of the task of this name: as its signature says, or else by its place, as "0" or "header.1".
     *
     * @throws {RangeError} if none has this name
     */
    future<One = unknown>(name: string): TaskFuture<One>;
    members(): Promise<TaskFutures>;
    /**
     * Waits for what the whole hands on: of a chain the result of its last, of a group the list of results, of
     * a chord that of its body.
     *
     * The first of the tasks that make it up that does not complete ends the wait; the others go on.
     *
     * @throws as `TaskFuture.result`
     */
    result(options?: ResultsOptions & {
        raiseOnFailure?: true;
    }): Promise<Result>;
    result(options: ResultsOptions): Promise<Result | TaskError | CancelledError>;
    /** In an input it stands for what the whole hands on. */
    toJSON(): unknown;
}

/** A task or a group that a task waits for: its future or its id. */
type Upstream = TaskFuture | GroupFuture<unknown, unknown> | string;
/** A flow is waited for until what it hands on is there; under a condition, until it has ended as a whole. */
type WaitForGiven = readonly (FlowFuture | OneWait)[] | WaitForAny<Upstream>;
type OneWait = Upstream | WaitCondition<Upstream> | WaitForAny<Upstream>;
/** Options of the call itself. */
interface CallOptions {
    /**
     * Repeating the call under the same key makes nothing anew. Default: a key of the client's own for each
     * call.
     */
    idempotencyKey?: string;
    signal?: AbortSignal;
}
/** Options of calls that may be repeated anyway. */
type SignalOptions = Pick<CallOptions, "signal">;
/** Options of each task that is submitted. */
interface EachTaskOptions extends Omit<TaskOptions, "waitFor"> {
    /**
     * Not before these have completed: futures, also of groups and flows, or ids; or have ended as their
     * conditions say.
     * Their results are not handed over: put futures into the input.
     */
    waitFor?: WaitForGiven;
}
interface SubmitOptions extends EachTaskOptions, CallOptions {
    /** An id of your own, a UUID; a ConflictError if it is taken. */
    id?: string;
}
interface MapOptions extends EachTaskOptions, CallOptions {
    /** What a failure of one task does to the others, and when all must have ended. */
    group?: GroupOptions;
    /**
     * So many of its tasks run at once, 1 to 10,000; the others are PENDING AwaitingConcurrencySlot. Default:
     * no limit.
     */
    maxConcurrent?: number;
}
/** Options of all tasks of a canvas, where they have none of their own; the tags are added to theirs. */
interface RunOptions extends EachTaskOptions, CallOptions {
    /** What a failure of one task does to the others, and when all must have ended. */
    group?: GroupOptions;
}
/** A task's options in the form of the wire. */
declare function taskOptionsOf({ waitFor, ...options }: EachTaskOptions): TaskOptions;
/**
 * With ids for futures; a text is an id or a name already.
 *
 * @throws {TypeError} if something in it is none of these
 */
declare function waitForOf(waitFor: WaitForGiven): WaitFor;

/** Only a type: what a signature was made of. */
declare const MADE_OF: unique symbol;
/** What a signature was made of, for those who check it against a definition. */
interface Made<Input, Into, Immutable> {
    input: Input;
    into: Into;
    immutable: Immutable;
}
/** One task. Made by `sig`. */
interface Signature<Name extends string = string, Parts = unknown> {
    readonly task: Name;
    readonly input?: unknown;
    readonly into?: string;
    readonly immutable?: boolean;
    readonly name?: string;
    readonly waitFor?: WaitFor;
    readonly allowFailure?: boolean;
    readonly options?: Readonly<TaskOptions>;
    readonly [MADE_OF]?: Parts;
}
/** One after the other. Made by `chain`. */
interface Chain<Elements extends readonly Canvas[] = readonly Canvas[]> {
    readonly chain: Elements;
}
/** Side by side. Made by `group`. */
interface Group<Elements extends readonly Canvas[] = readonly Canvas[]> {
    readonly group: Elements;
}
/** Side by side, and then one that gets their results. Made by `chord`. */
interface Chord<Header extends Canvas | readonly Canvas[] = AnyHeader, Body extends Canvas = Canvas> {
    readonly chord: {
        readonly header: Header;
        readonly body: Body;
    };
}
/** A function called for each of many inputs, so many to a task. Made by `chunks`. */
interface Chunks<Name extends string = string, Input = unknown> {
    readonly chunks: {
        readonly task: Name;
        readonly inputs: readonly unknown[];
        readonly size: number;
        readonly options?: Readonly<TaskOptions>;
    };
    readonly [MADE_OF]?: Input;
}
type AnyHeader = Canvas | readonly Canvas[];
/** What can be run, and be part of what can be run. */
type Canvas = Signature | Chain | Group | Chord | Chunks;
/** What a signature says about its place among others, and about its task. */
interface SignatureOptions<Into extends string | undefined, Immutable extends boolean> extends Omit<EachTaskOptions, "waitFor"> {
    /** In a chain or as a chord's body: the field of the input that gets what comes before. */
    into?: Into;
    /** In a chain or as a chord's body: it only waits for what comes before. Its input stays as it is. */
    immutable?: Immutable;
    /** Its name in the flow. Without one its place names it, as "0" or "header.1". */
    name?: string;
    /**
     * Not before these have completed: names in the same flow, futures, or ids; or not before they have ended
     * as their conditions say.
     */
    waitFor?: WaitForGiven;
}
/**
 * A task to submit. The input is copied now. A future in it stands for its result.
 *
 * In a chain, or as a chord's body, it gets what comes before: as the field `into`; or, without an input of
 * its own, as its input; or, if it is `immutable`, not at all.
 *
 * This function takes any name and input, and `run` compares them with its client's definitions; `errand.sig`
 * does so where it is written.
 *
 * @throws {TypeError} if JSON cannot hold the input
 */
declare function sig<const Name extends string, const Input = undefined, const Into extends string | undefined = undefined, const Immutable extends boolean = false>(name: Name, input?: Input, { into, immutable, name: node, waitFor, allowFailure, ...options }?: SignatureOptions<Into, Immutable>): Signature<Name, Made<Input, Into, Immutable>>;
/** One after the other: each gets what the one before it hands on. Hands on what the last one does. */
declare function chain<const Elements extends readonly Canvas[]>(...elements: Elements): Chain<Elements>;
declare function chain<const One extends Canvas>(elements: Iterable<One>): Chain<readonly One[]>;
/**
 * Side by side; what comes before goes to each. Hands on the list of what they hand on, in their order. An
 * empty one in a chain hands on what comes before.
 */
declare function group<const Elements extends readonly Canvas[]>(...elements: Elements): Group<Elements>;
declare function group<const One extends Canvas>(elements: Iterable<One>): Group<readonly One[]>;
/**
 * The header's elements side by side, and then the body with the list of what they hand on, in their order.
 * Hands on what the body does. If one of the header does not complete, the body is CANCELLED UpstreamFailed;
 * the others go on.
 *
 * @param header a list of elements; or one element. If that hands on a list, as a group does, the body gets
 * this list; else a list of one
 */
declare function chord<const Header extends Canvas | readonly Canvas[], const Body extends Canvas>(header: Header, body: Body): Chord<Header, Body>;
declare function chord<const One extends Canvas, const Body extends Canvas>(header: Iterable<One>, body: Body): Chord<readonly One[], Body>;
/**
 * A function called with each of many small inputs, `size` of them to a task, one after the other. Hands on
 * the list of the tasks' lists of results.
 *
 * @param size 1 to 1,000
 * @throws {TypeError} if JSON cannot hold an input
 */
declare function chunks<const Name extends string, const Input>(name: Name, inputs: Iterable<Input>, size: number, options?: EachTaskOptions): Chunks<Name, Input>;
/** The form in which the service takes it: a signature alone is a chain of one. */
declare function flowOf(canvas: Canvas): Exclude<Canvas, Signature>;

/** A schema by its Standard Schema types, which zod and others carry. */
interface Schema {
    readonly "~standard": {
        readonly types?: {
            readonly input: unknown;
            readonly output: unknown;
        } | undefined;
    };
}
/** What the client looks at in a definition. */
interface DefinitionLike {
    readonly name: string;
    readonly input: Schema;
    readonly output: Schema;
}
/** `typeof definitions` of a server's `tasks/mod.ts`. */
type Definitions = Readonly<Record<string, DefinitionLike>>;
/** The names that can be submitted. */
type NameOf<D extends Definitions> = D[keyof D]["name"];
type Named<D extends Definitions, Name> = Extract<D[keyof D], {
    readonly name: Name;
}>;
type TypesOf<S extends Schema> = NonNullable<S["~standard"]["types"]>;
/** True if the client was told no definitions. */
type IsUntyped<D extends Definitions> = string extends keyof D ? true : false;
type Unchecked = any;
/** What a definition takes. */
type InputOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked : TypesOf<Named<D, Name>["input"]>["input"];
/** What a definition returns, which is JSON. A function that returns nothing gives null. */
type ResultOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked : NothingIsNull<TypesOf<Named<D, Name>["output"]>["output"]>;
type NothingIsNull<T> = unknown extends T ? T : Exclude<T, undefined | void> | NullIfNothing<T>;
type NullIfNothing<T> = [Extract<T, undefined | void>] extends [never] ? never : null;
/**
 * The arguments after a definition's name: the input, in which futures may stand for values. It may be left
 * out if it has no required field.
 */
type Arguments<Input, Options> = undefined extends Input ? [input?: Given<Input>, options?: Options] : Record<string, never> extends Input ? [input?: Given<Input>, options?: Options] : [input: Given<Input>, options?: Options];

/** What a canvas hands on, and so what its future gives. */
type HandedOn<D extends Definitions, C> = [Canvas] extends [C] ? unknown : C extends Signature<infer Name> ? ResultOf<D, Name> : C extends Chain<infer Elements> ? HandedOn<D, LastOf<Elements>> : C extends Group<infer Elements> ? EachHandedOn<D, Elements> : C extends Chord<infer _, infer Body> ? HandedOn<D, Body> : C extends Chunks<infer Name> ? ResultOf<D, Name>[][] : never;
type EachHandedOn<D extends Definitions, Elements extends readonly Canvas[]> = {
    -readonly [Index in keyof Elements]: HandedOn<D, Elements[Index]>;
};
/** What a chord's body gets of a header that is one element: the list that it hands on, or a list of one. */
type ListHandedOn<D extends Definitions, C> = [Canvas] extends [C] ? unknown : C extends Signature ? [HandedOn<D, C>] : C extends Chain<infer Elements> ? ListHandedOn<D, LastOf<Elements>> : C extends Chord<infer _, infer Body> ? ListHandedOn<D, Body> : HandedOn<D, C>;
/** The last one that hands on something of its own. */
type LastOf<Elements extends readonly Canvas[]> = Elements extends readonly [...infer Before extends readonly Canvas[], infer Last] ? Before extends readonly [] ? Last : IsEmpty<Last> extends true ? LastOf<Before> : Last : Elements[number];
/** In a chain it hands on what it gets. */
type IsEmpty<C> = [Canvas] extends [C] ? false : C extends Group<readonly []> ? true : C extends Chain<infer Elements> ? IsEmpty<LastOf<Elements>> : false;
type AfterOf<D extends Definitions, C, Before> = [Before] extends [Nothing] ? HandedOn<D, C> : IsEmpty<C> extends true ? Before : HandedOn<D, C>;
/** A canvas that fits is taken as it is. One that does not fit lacks a member, whose type says why. */
type Fitting<D extends Definitions, C> = IsUntyped<D> extends true ? unknown : [Misfit<D, C, Nothing>] extends [never] ? unknown : {
    doesNotFit: Misfit<D, C, Nothing>;
};
declare const NOTHING: unique symbol;
declare const UNCLEAR: unique symbol;
/** What comes before the first of a chain. */
type Nothing = typeof NOTHING;
/** What comes before one of a list whose length is known at run time only: perhaps nothing. */
type Unclear = typeof UNCLEAR;
/**
 * Why a canvas does not fit behind what comes `Before` it; never if it does, or if its type says nothing of
 * it.
 */
type Misfit<D extends Definitions, C, Before> = [Canvas] extends [C] ? never : C extends Signature<infer Name, infer Parts> ? Parts extends Made<infer Input, infer Into, infer Immutable> ? Defined<D, Name, MisfitOfTask<Name, InputOf<D, Name>, Input, Into, Immutable, Before>> : never : C extends Chain<infer Elements> ? MisfitInChain<D, Elements, Before> : C extends Group<infer Elements> ? Misfit<D, Elements[number], Before> : C extends Chord<infer Header, infer Body> ? Header extends readonly Canvas[] ? Misfit<D, Header[number], Before> | Misfit<D, Body, EachHandedOn<D, Header>> : Misfit<D, Header, Before> | Misfit<D, Body, ListHandedOn<D, Header>> : C extends Chunks<infer Name, infer Input> ? Defined<D, Name, MisfitOfChunks<Name, InputOf<D, Name>, Input, Before>> : never;
/** The service checks a name that is known at run time only. */
type Defined<D extends Definitions, Name extends string, MisfitOfInput> = string extends Name ? never : Name extends NameOf<D> ? MisfitOfInput : `no definition is named "${Name}"`;
/** `Found` so far, so that the compiler needs no stack: a chain may have hundreds of elements. */
type MisfitInChain<D extends Definitions, Elements extends readonly Canvas[], Before, Found = never> = Elements extends readonly [infer First, ...infer Rest extends readonly Canvas[]] ? MisfitInChain<D, Rest, AfterOf<D, First, Before>, Found | Misfit<D, First, Before>> : Found | Misfit<D, Elements[number], Unclear>;
type MisfitOfTask<Name extends string, Wanted, Input, Into, Immutable, Before> = Into extends string ? MisfitOfField<Name, Wanted, Input, Into, Before> : unknown extends Input ? never : [Input] extends [undefined] ? Immutable extends true ? MisfitOfNoInput<Name, Wanted> : [Before] extends [Nothing] ? MisfitOfNoInput<Name, Wanted> : Suits<Before, Wanted> extends true ? never : `what comes before "${Name}" does not fit its input` : [Input] extends [Given<Wanted>] ? Immutable extends true ? never : [Before] extends [Nothing | Unclear] ? never : `"${Name}" has an input of its own: into says where what comes before goes, immutable that it goes nowhere` : `the input of "${Name}" does not fit it`;
type MisfitOfField<Name extends string, Wanted, Input, Into extends string, Before> = Into extends KeyOf<Wanted> ? [Before] extends [Nothing] ? `nothing comes before "${Name}" that could go into "${Into}"` : Suits<Before, FieldOf<Wanted, Into>> extends true ? unknown extends Input ? never : [Input extends undefined ? Empty : Input] extends [Given<Freed<Wanted, Into>>] ? never : `the input of "${Name}" does not fit it` : `what comes before "${Name}" does not fit its field "${Into}"` : `the input of "${Name}" has no field "${Into}"`;
type MisfitOfNoInput<Name extends string, Wanted> = undefined extends Wanted ? never : Record<string, never> extends Wanted ? never : `"${Name}" needs an input`;
type MisfitOfChunks<Name extends string, Wanted, Input, Before> = [Before] extends [Nothing | Unclear] ? [Input] extends [Given<Wanted>] ? never : `the inputs of "${Name}" do not fit it` : `chunks of "${Name}" have their inputs: nothing can come before them`;
/** `unknown` passes: the service validates. */
type Suits<Value, Wanted> = unknown extends Value ? true : [Value] extends [Unclear] ? true : [Value] extends [Wanted] ? true : Value extends readonly unknown[] ? unknown extends Value[number] ? [Extract<Wanted, readonly unknown[]>] extends [never] ? false : true : false : false;
type Empty = Record<never, never>;
/** The keys of all forms of an input that may have several. */
type KeyOf<T> = T extends unknown ? keyof T & string : never;
type FieldOf<T, Field extends string> = T extends Record<Field, infer Value> ? Value : T extends {
    [Key in Field]?: infer Value;
} ? Value : never;
/** The input without what comes from the task before. */
type Freed<T, Field extends PropertyKey> = T extends unknown ? Omit<T, Field> : never;

/** Nothing of it starts until it is resumed, or `until`. */
interface Pause {
    note: string | null;
    /** ISO 8601, UTC. */
    since: string;
    /** When it ends by itself; null: never. */
    until: string | null;
    /** The name of the key that asked for it. */
    by: string | null;
}
/** How many tasks of a queue are in which way. */
interface QueueCounts {
    /** Their time has not come. */
    scheduled: number;
    /** They wait for a worker. */
    ready: number;
    /** They wait for a slot of a limit, or for their place in a rate. */
    limited: number;
    /** They wait for other tasks. */
    waiting: number;
    running: number;
}
/** How many tasks of a queue, or of a definition, run at once, in all processes. */
interface QueueConcurrency {
    /** What is in force. Null: nothing limits it. 0 holds all. */
    current: number | null;
    /** What the code of a definition says. */
    base: number | null;
    /** What a call has said: it outranks the code. */
    override: number | null;
    /** ISO 8601, UTC. */
    overriddenAt: string | null;
    /** The name of the key that has said it. */
    overriddenBy: string | null;
}
interface Queue {
    name: string;
    paused: Pause | null;
    counts: QueueCounts;
    /** Since when the first of the ready ones has been ready; null if none is. */
    oldestReadyAt: string | null;
    concurrency: QueueConcurrency;
}
interface PauseOptions extends SignalOptions {
    /** Why: shown with every task that it holds. */
    note?: string;
    /** When it ends by itself: a Date, or milliseconds since 1970. Default: never. */
    until?: Date | number;
}
/**
 * `errand.queues`. A pause stops starts only: what runs goes on, submits are taken, timers and expiries run
 * on.
 */
declare class Queues {
    #private;
    private readonly connection;
    constructor(connection: Connection);
    /** By name: those that tasks, definitions, workers or pauses name. */
    list({ signal }?: SignalOptions): Promise<Queue[]>;
    /** One queue; every name that may be one is one. */
    get(name: string, { signal }?: SignalOptions): Promise<Queue>;
    /** Resolves once nothing of the queue starts any more; elsewhere nothing does a second later. */
    pause(name: string, options?: PauseOptions): Promise<Pause>;
    /** Wakes waiting workers. What was not paused stays as it is. */
    resume(name: string, options?: SignalOptions): Promise<void>;
    /**
     * At most so many tasks of the queue run at once from now on: 0 to 10,000, and 0 holds all. Null takes back
     * what was said. What runs goes on.
     *
     * @throws {ValidationError} for another number
     */
    limit(name: string, concurrency: number | null, options?: SignalOptions): Promise<QueueConcurrency>;
    /** The same for tasks of a definition, in whatever queue. */
    limitDefinition(name: string, concurrency: number | null, options?: SignalOptions): Promise<QueueConcurrency>;
    /** Tasks of the definition, in whatever queue. */
    pauseDefinition(name: string, options?: PauseOptions): Promise<Pause>;
    resumeDefinition(name: string, options?: SignalOptions): Promise<void>;
    /** All tasks of all queues. */
    pauseAll(options?: PauseOptions): Promise<Pause>;
    resumeAll(options?: SignalOptions): Promise<void>;
    /** The pause of everything that is in force; null if none is. */
    pausedAll({ signal }?: SignalOptions): Promise<Pause | null>;
}

interface DefinitionInfo {
    name: string;
    description: string | null;
    /** Of its function, where it says one. */
    version?: string;
    /** JSON Pointers to what of an input is not shown. */
    redact?: string[];
    /** JSON Schema 2020-12. */
    input: Record<string, unknown>;
    output: Record<string, unknown>;
    runsOn: "inline" | "thread";
    /** Of the options of a submit. */
    defaults: Record<string, unknown>;
    paused: Pause | null;
}
/** `errand.definitions`. */
declare class DefinitionList {
    private readonly connection;
    constructor(connection: Connection);
    /** By name. */
    list({ signal }?: SignalOptions): Promise<DefinitionInfo[]>;
}

/** As of a cancel, and tasks by when they ended. */
interface BulkFilter extends CancelFilter {
    /** ISO 8601. */
    finishedAfter?: string;
    /** ISO 8601. */
    finishedBefore?: string;
}
/**
 * What to do, and to which tasks: to those of a list, or to all that fit a filter now. A filter without a
 * time needs `all: true`.
 */
interface BulkRequest {
    action: "cancel" | "retry" | "delete" | "priority";
    ids?: readonly string[];
    filter?: BulkFilter;
    all?: true;
    /** Of the action `priority`: −10 to 10. */
    priority?: number;
    /** Of the action `cancel`. */
    reason?: string;
    /** Of the action `cancel`: how long a running function may take to stop. */
    graceMs?: number;
}
/** How many it was done to; how many it was not for any more; and how many failed, as its log says. */
interface BulkCounts {
    done: number;
    skipped: number;
    failed: number;
}
interface BulkPreview {
    /** At least so many where it is not exact. */
    count: {
        value: number;
        exact: boolean;
    };
    /** The newest ones, at most 10. */
    samples: TaskSummary[];
}
/** `errand.bulk` */
declare class Bulk {
    private readonly connection;
    constructor(connection: Connection);
    /**
     * Starts it: the future of a task that has progress, and can be cancelled as any other.
     *
     * @throws {ValidationError}
     */
    start(request: BulkRequest, { idempotencyKey, signal }?: CallOptions): Promise<TaskFuture<BulkCounts>>;
    /** Which tasks it would be for now. Nothing is done. */
    preview(request: BulkRequest, { signal }?: SignalOptions): Promise<BulkPreview>;
}

/** All of it must be true of a transition. */
interface EventFilter {
    /** The task came into one of these. */
    state?: StateType | readonly StateType[];
    /** The name of a definition. */
    task?: string;
    queue?: string;
    groupId?: string;
    tag?: string;
}
interface EventsOptions extends EventFilter {
    /** Go on behind the event with this `place`. Default: from now on. */
    after?: string;
    signal?: AbortSignal;
}
/** A task is in this state now. */
interface Transition {
    id: string;
    /** The name of its definition. */
    task: string;
    queue: string;
    state: State;
    attempt: number;
    /** It rises with each state of a task. */
    seq: number;
    groupId: string | null;
    parentId: string | null;
    tags: string[];
}
/** `gap`: transitions may be missing here, as lists and counts would show. */
type ServiceEvent = {
    place: string;
} & ({
    event: "state";
    data: Transition;
} | {
    event: "gap";
    data: {
        message: string;
    };
});
declare function eventsOf({ http }: Connection, { signal, ...filter }: EventsOptions): AsyncGenerator<ServiceEvent>;

/** Milliseconds, right within a fifth; null of nothing. */
interface Percentiles {
    count: number;
    p50: number | null;
    p90: number | null;
    p99: number | null;
}
/** In some time, in all processes. */
interface Happened {
    submitted: number;
    /** By the state that they ended in. */
    ended: Record<string, number>;
    /** By what became of them. */
    attempts: Record<string, number>;
    /** How often a task had to wait for a limit by key. */
    limited: {
        concurrency: number;
        rate: number;
    };
    /** From ready to running. */
    wait: Percentiles;
    /** Of one attempt. */
    run: Percentiles;
}
/** Tasks that have not ended. */
interface TasksNow extends QueueCounts {
    oldestReadyAt: string | null;
}
interface Stats {
    /** ISO 8601. */
    at: string;
    minutes: number;
    now: TasksNow;
    happened: Happened;
    /** By name. */
    definitions: {
        task: string;
        now: TasksNow;
        happened: Happened;
    }[];
    /** The oldest first; the last one is not over. */
    perMinute: {
        at: string;
        happened: Happened;
    }[];
}
/** What waits and runs, and what happened in the last minutes: 1 to 60, default 15. */
declare function statsOf({ http }: Connection, { minutes, signal }: SignalOptions & {
    minutes?: number;
}): Promise<Stats>;

interface RunningTask {
    id: string;
    task: string;
    queue: string;
    attempt: number;
    state: State;
}
interface Worker {
    id: string;
    /** ISO 8601. */
    startedAt: string;
    /** When it sent its last heartbeat, by its own clock; null for a worker of an earlier release. */
    lastSeenAt: string | null;
    release: string | null;
    /** Functions that it runs at once on its main thread. */
    concurrency: number;
    /** Those that it takes tasks from; null: all. */
    queues: string[] | null;
    running: number;
    /** At most 100 of them. */
    tasks: RunningTask[];
}
/** `errand.workers` */
declare class Workers {
    private readonly connection;
    constructor(connection: Connection);
    /** By their start. One that has died is among them for up to a lease. */
    list({ signal }?: SignalOptions): Promise<Worker[]>;
}

declare function queryOf(filter: object): URLSearchParams;

/** All of it must be true of a group. */
interface GroupFilter {
    /** It is in one of these. */
    state?: GroupState | readonly GroupState[];
    /** A date, or ISO 8601. */
    createdAfter?: Date | string;
    createdBefore?: Date | string;
}
/** A policy as it is in force. */
interface GroupPolicy {
    onFailure: "continue" | "cancel-rest" | "cancel-all-and-fail";
    maxFailures: number;
    /** ISO 8601. */
    deadlineAt: string | null;
}
interface GroupStands {
    id: string;
    state: GroupState;
    policy: GroupPolicy | null;
    /** ISO 8601. */
    createdAt: string;
    endedAt: string | null;
}
/** What a list tells of a group. */
interface GroupSummary extends GroupStands {
    total: number;
    /** How many have ended. */
    done: number;
    /** How many of those are in which state. */
    ended: Partial<Record<StateType, number>>;
    /** Names, of its first 3 tasks. */
    definitions: string[];
}
/** A failure of a task of a group, or with the id null of the group as a whole. */
interface GroupFault {
    id: string | null;
    /** The name of its definition. */
    task: string | null;
    /** Its name in a flow. */
    name: string | null;
    state: State | null;
    error: Failure;
    /** Of a compensation: the task that it did not take back. */
    compensates?: string;
}
interface GroupInfo extends GroupStands, GroupCounts {
    /** The first 20. */
    errors: GroupFault[];
    compensation: GroupCompensation | null;
    /** Its tasks in their order; null for a large group. */
    nodes: GroupGraph["nodes"] | null;
    edges: GroupGraph["edges"];
}
interface GroupListOptions extends SignalOptions {
    /** So many are asked for at once, 1 to 100. Default 50. */
    pageSize?: number;
}
/** `errand.groups` */
declare class Groups {
    private readonly connection;
    constructor(connection: Connection);
    /**
     * The groups that fit the filter, newest first, read page by page.
     *
     * @throws {ValidationError} for a filter that the service does not take
     */
    list(filter?: GroupFilter, { pageSize, signal }?: GroupListOptions): AsyncGenerator<GroupSummary>;
    /**
     * One of them, as it stands now.
     *
     * @throws {NotFoundError}
     */
    get(id: string, { signal }?: SignalOptions): Promise<GroupInfo>;
}

type Scope = "submit" | "read" | "cancel" | "complete" | "work" | "operate" | "admin";
interface Key {
    /** Null for a key of the service's environment. */
    id: string | null;
    name: string;
    scopes: Scope[];
    /** Null for the default tenant. */
    tenant: string | null;
    patterns: string[];
    source: "database" | "environment";
    /** ISO 8601, as the others. */
    createdAt: string | null;
    createdBy: string | null;
    rotatedAt: string | null;
    expiresAt: string | null;
    /** By the hour. */
    lastUsedAt: string | null;
}
/** A key with its secret, which is told this once. */
interface MadeKey extends Key {
    id: string;
    secret: string;
}
interface NewKey {
    /** Who will use it. */
    name: string;
    scopes: readonly Scope[];
    /** It knows this tenant's tasks alone. Default: the tenant of the key that makes it. */
    tenant?: string;
    /** Of these tasks alone: `task:resize*`, `queue:gpu`. Default: all. */
    patterns?: readonly string[];
    /** Default: never. */
    expiresAt?: Date | string;
}
/** `errand.keys`. All of it needs a key with the scope `admin`. */
declare class Keys {
    #private;
    private readonly connection;
    constructor(connection: Connection);
    /** Without their secrets. */
    list({ signal }?: SignalOptions): Promise<Key[]>;
    /**
     * @throws {ConflictError} if a key of this name is there
     * @throws {ValidationError}
     */
    make({ expiresAt, ...key }: NewKey, { signal }?: SignalOptions): Promise<MadeKey>;
    /** Gives it a new secret. The former one is good for `graceSeconds` more (0). */
    rotate(id: string, { graceSeconds, signal }?: SignalOptions & {
        graceSeconds?: number;
    }): Promise<MadeKey>;
    /** A second later it opens nothing. */
    revoke(id: string, { signal }?: SignalOptions): Promise<void>;
}

interface StreamUrlOptions {
    /** At most 3,600. */
    ttlSeconds?: number;
    signal?: AbortSignal;
}
declare function streamUrl(http: Http, path: string, { ttlSeconds, signal }: StreamUrlOptions): Promise<string>;

/** Marks an iterable that every task gets as a whole. */
declare class Unmapped<T> {
    #private;
    constructor(value: T);
    get value(): T;
}
/**
 * Every task of a `map` gets this value as it is. Needed for iterables only; all else is given to each
 * anyway.
 */
declare function unmapped<T>(value: T): Unmapped<T>;
/**
 * A field of a `map`: one value for each task, or one for all, which must be marked if it is itself an
 * iterable. Of a quoted iterable each task gets an element, quoted.
 */
type MapField<T> = Iterable<Given<T>> | Quoted<Iterable<T>> | Unmapped<Given<T>> | (T extends string ? T : T extends Iterable<unknown> ? never : Given<T>) | Reference<T>;
/** The fields of a `map`. */
type MapFields<Input> = {
    [Field in keyof Input]?: MapField<Input[Field]>;
};
/** The service goes through the lists in `map`; what is in `unmapped` goes to every task. */
interface Mapping {
    map: Record<string, unknown>;
    unmapped: Record<string, unknown>;
}
/** The fields in the form of the wire, where every list in `map` is gone through. */
declare function mappingOf(fields: Record<string, unknown>): Mapping;
/** A quoted iterable is gone through, and each of its elements is quoted. */
declare function eachQuoted(field: unknown): unknown;
/** How many elements it has: the most that one of its lists has, as the service refuses lists that differ. */
declare function lengthOf({ map }: Mapping): number;

type LimitCall = Pick<CallOptions, "signal">;
/** So many units start in a period, up to `burst` of them at once after a pause. */
interface Rate {
    limit: number;
    periodMs: number;
    burst: number;
}
/** What a rule says. `concurrency`, `rateLimit`, or both. */
interface LimitRuleConfig {
    /** At most so many tasks with one key at once; 0 holds all. */
    concurrency?: number;
    /** `burst` is 1 if it is left out. */
    rateLimit?: Omit<Rate, "burst"> & {
        burst?: number;
    };
    note?: string;
}
interface LimitRule {
    pattern: string;
    concurrency: number | null;
    rateLimit: Rate | null;
    note: string | null;
    /** ISO 8601. */
    changedAt: string;
    changedBy: string | null;
}
/** A limit as it is now. */
interface LimitStatus {
    key: string;
    /** Tasks with a slot: they run, or wait for a worker only. */
    running: number;
    /** Tasks that wait for a slot. */
    waiting: number;
    /** Null: nothing says how many. */
    concurrency: number | null;
    /** The pattern of the rule that says so; null where the last submit does, or nobody. */
    concurrencyRule: string | null;
    rateLimit: Rate | null;
    rateLimitRule: string | null;
    /** When a start of one unit is due, ISO 8601; null: now, or nothing limits the rate. */
    nextStartAt: string | null;
}
/** Calls about limits by key. */
declare class Limits {
    #private;
    private readonly connection;
    constructor(connection: Connection);
    /**
     * Sets the rule for each key that the pattern matches. It acts at once on what waits.
     *
     * @throws {ValidationError} for a rule that the service does not take
     */
    set(pattern: string, rule: LimitRuleConfig, options?: LimitCall): Promise<LimitRule>;
    /** @throws {NotFoundError} if there is no rule with just this pattern */
    remove(pattern: string, options?: LimitCall): Promise<void>;
    /** How many tasks with a key run and wait, and what limits them. */
    get(key: string, options?: LimitCall): Promise<LimitStatus & {
        rule: LimitRule | null;
    }>;
    /** All rules, by their patterns. */
    rules({ signal }?: LimitCall): Promise<LimitRule[]>;
    /** The limits that were used in the last hour, by their keys, read page by page. */
    list({ signal }?: LimitCall): AsyncGenerator<LimitStatus>;
}

/** All of it must be true of a task. */
interface TaskFilter {
    /** It is in one of these. */
    state?: StateType | readonly StateType[];
    /** The name of a definition. */
    task?: string;
    queue?: string;
    tag?: string;
    groupId?: string;
    parentId?: string;
    /** A date, or ISO 8601. */
    createdAfter?: Date | string;
    createdBefore?: Date | string;
    /** It has ended. */
    finishedAfter?: Date | string;
    finishedBefore?: Date | string;
    /** The beginning of its id, 8 digits or more; or a part of its error, in any case. */
    q?: string;
}
/** How many fit a filter: at least so many where it is not exact. */
interface TaskCount {
    value: number;
    exact: boolean;
}
/** What a function has logged. */
interface LogLine {
    /** Its place among the task's events. */
    seq: number;
    /** ISO 8601. */
    at: string;
    attempt: number;
    message: string;
    data: unknown;
}
interface Dependents {
    tasks: TaskSummary[];
    /** There are others. */
    more: boolean;
}
interface ListOptions extends SignalOptions {
    /** So many are asked for at once, 1 to 500. Default 100. */
    pageSize?: number;
}
/** `errand.tasks`. */
declare class Tasks {
    private readonly connection;
    constructor(connection: Connection);
    /**
     * The tasks that fit the filter, newest first, read page by page.
     *
     * @throws {ValidationError} for a filter that the service does not take
     */
    list(filter?: TaskFilter, { pageSize, signal }?: ListOptions): AsyncGenerator<TaskSummary>;
    /** How many fit the filter, as far as the service has time to count. */
    count(filter?: TaskFilter, { signal }?: SignalOptions): Promise<TaskCount>;
    /** What the function of a task has logged so far, read page by page. */
    logs(id: string, { after, signal }?: SignalOptions & {
        after?: number;
    }): AsyncGenerator<LogLine>;
    /** The tasks that wait for a task, or have waited for it, in no order: up to 100. */
    dependents(id: string, { signal }?: SignalOptions): Promise<Dependents>;
    /**
     * Submits a new task like an ended one, also like a completed one, perhaps with another input. However
     * often the call is sent, it is one task.
     *
     * @throws {ConflictError} if it has not ended
     */
    rerun<Result = unknown>(id: string, { input, idempotencyKey, signal }?: CallOptions & {
        input?: unknown;
    }): Promise<TaskFuture<Result>>;
}

/** Times: cron fields in a time zone (default UTC), an interval that counts from 1970, or one instant. */
type ScheduleSpec = {
    cron: string;
    timezone?: string;
} | {
    everyMs: number;
    offsetMs?: number;
} | {
    at: string;
};
interface ScheduleTimes {
    /** The times of all entries. */
    spec: ScheduleSpec[];
    /** Times that are left out. */
    exclude?: ScheduleSpec[];
    /** ISO 8601: no time is before it. */
    startAt?: string;
    /** ISO 8601: no time is after it. */
    endAt?: string;
}
/** What becomes of a time at which a task of the schedule has not ended. */
type Overlap = "skip" | "buffer-one" | "buffer-all" | "cancel-running" | "allow-all";
/** Options of each task. */
type ScheduledTaskOptions = Omit<TaskOptions, "runAt" | "expiresAt" | "waitFor" | "allowFailure" | "unique" | "debounce">;
interface ScheduleConfig<Name extends string = string, Input = unknown> extends ScheduleTimes {
    /** The name of a definition. */
    task: Name;
    /** Of every task. Left out: {}. */
    input?: Input;
    options?: ScheduledTaskOptions;
    /** Each time is moved later by less than this, always by the same. Default 0. */
    windowMs?: number;
    /** Default: skip. */
    overlap?: Overlap;
    /** For so long, times are made up that nobody could fire; at least 10,000. Default: an hour. */
    catchupMs?: number;
    /** A task that ends FAILED or CRASHED pauses the schedule. Default false. */
    pauseOnFailure?: boolean;
    /** It fires so many times more. Default: no bound. */
    remaining?: number;
    /** Left out: a schedule that is there stays paused, or not. */
    paused?: boolean;
    note?: string;
}
/** Null takes a field away. */
type SchedulePatch<Name extends string = string, Input = unknown> = {
    [Field in keyof ScheduleConfig<Name, Input>]?: ScheduleConfig<Name, Input>[Field] | (Field extends "task" | "spec" ? never : null);
};
/** A schedule as lists show it: without its input. */
interface ScheduleSummary {
    name: string;
    task: string;
    options?: ScheduledTaskOptions;
    spec: ScheduleSpec[];
    exclude: ScheduleSpec[];
    startAt: string | null;
    endAt: string | null;
    windowMs: number;
    overlap: Overlap;
    catchupMs: number;
    pauseOnFailure: boolean;
    /** Times that it will fire yet; null: no bound. */
    remaining: number | null;
    note: string | null;
    paused: {
        note: string | null;
        since: string;
        by: string | null;
    } | null;
    /** The next five times, ISO 8601. None while it is paused. */
    next: string[];
    /** When it fires for the first of these, with what `windowMs` moves. */
    nextFiresAt: string | null;
    last: {
        scheduledFor: string;
        taskId: string;
    } | null;
    /** Ids of its tasks that have not ended; of very many the newest. */
    running: string[];
    fired: number;
    skipped: number;
    /** Why the last time that failed was not fired. */
    fault: {
        scheduledFor: string;
        message: string;
    } | null;
    /** The definition whose code declares it. */
    declaredBy: string | null;
    createdAt: string;
    updatedAt: string;
    links: {
        self: string;
        trigger: string;
        pause: string;
        resume: string;
    };
}
interface Schedule<Input = unknown> extends ScheduleSummary {
    input: Input;
}

interface TriggerOptions extends CallOptions {
    /** In place of the schedule's. */
    input?: unknown;
}
/** A task of a time that has passed. */
interface BackfilledTask<Result = unknown> {
    future: TaskFuture<Result>;
    /** ISO 8601. */
    scheduledFor: string;
}
/** Calls about schedules, with the types of the client's definitions. */
declare class Schedules<D extends Definitions> {
    #private;
    private readonly connection;
    constructor(connection: Connection);
    /**
     * Makes a schedule, or changes it as a whole. The same again changes nothing, and where it stands stays.
     *
     * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
     * the fault
     * @throws {ConflictError} if code declares it
     */
    put<Name extends NameOf<D>>(name: string, config: ScheduleConfig<Name, InputOf<D, Name>>, options?: SignalOptions): Promise<Schedule<InputOf<D, Name>>>;
    /**
     * Changes some of it. Null takes a field away.
     *
     * @throws {NotFoundError} and as `put`
     */
    patch<Name extends NameOf<D>>(name: string, patch: SchedulePatch<Name, InputOf<D, Name>>, options?: SignalOptions): Promise<Schedule>;
    /** @throws {NotFoundError} */
    get(name: string, options?: SignalOptions): Promise<Schedule>;
    /** All schedules by their names, read page by page. */
    list({ signal }?: SignalOptions): AsyncGenerator<ScheduleSummary>;
    /** It fires no more until it is resumed. @throws {NotFoundError} */
    pause(name: string, note?: string, options?: SignalOptions): Promise<Schedule>;
    /** It goes on with its first time behind now. @throws {NotFoundError} */
    resume(name: string, options?: SignalOptions): Promise<Schedule>;
    /**
     * Submits a task of it now, also while it is paused, and whatever runs. However often the call is sent, it
     * is one task.
     *
     * @throws {NotFoundError}
     * @throws {ValidationError} for an input that the definition does not take
     */
    trigger<Result = unknown>(name: string, { input, idempotencyKey, signal }?: TriggerOptions): Promise<TaskFuture<Result>>;
    /**
     * Submits the tasks of times that have passed, but for those that are there; at most 1,000.
     *
     * @param range instants, both included; dates or ISO 8601
     * @throws {NotFoundError}
     * @throws {ValidationError} for a range that is not over yet, or has too many times
     */
    backfill<Name extends NameOf<D>>(name: string, { from, to }: {
        from: Date | string;
        to: Date | string;
    }, { signal }?: SignalOptions): Promise<BackfilledTask<ResultOf<D, Name>>[]>;
    /**
     * The next times of a spec, ISO 8601. Nothing is stored.
     *
     * @throws {ValidationError}
     */
    preview(times: ScheduleTimes, { count, signal }?: SignalOptions & {
        count?: number;
    }): Promise<string[]>;
    /**
     * Its tasks stay.
     *
     * @throws {NotFoundError}
     * @throws {ConflictError} if code declares it
     */
    delete(name: string, options?: SignalOptions): Promise<void>;
}

interface ClientOptions extends HttpOptions {
    /** Told of errors in callbacks, which no caller could catch. Default: `console.error`. */
    log?: (message: string, error: unknown) => void;
}
/**
 * A client of one service. `Client<typeof definitions>` with a type-only import of the service's definitions
 * knows the names, the inputs and the results. Without it, all is allowed.
 *
 * @example
 * ```ts
 * import type { definitions } from "../tasks/mod.ts";
 * const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
 * const future = await errand.submit("add", { a: 1, b: 2 });
 * const sum: number = await future.result();
 * ```
 */
declare class Client<D extends Definitions = Definitions> {
    #private;
    /** Queues: what is in them, and pausing them, a definition, or everything. */
    readonly queues: Queues;
    /** What submits tasks over time. */
    readonly schedules: Schedules<D>;
    readonly limits: Limits;
    /** Lists of tasks. */
    readonly tasks: Tasks;
    /** Lists of groups. The future of one: `group(id)`. */
    readonly groups: Groups;
    readonly definitions: DefinitionList;
    readonly keys: Keys;
    readonly workers: Workers;
    /** One action on many tasks. */
    readonly bulk: Bulk;
    /** @throws {TypeError} if the URL is no absolute http(s) URL */
    constructor({ log, ...options }: ClientOptions);
    /**
     * Submits a task. When this resolves, the task is on disk.
     *
     * After a lost connection it is sent again under the same Idempotency-Key, so it never becomes two tasks.
     *
     * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
     * the fault
     * @throws {ConflictError} if the id is taken
     */
    submit<Name extends NameOf<D>>(name: Name, ...[input, options]: Arguments<InputOf<D, Name>, SubmitOptions>): Promise<TaskFuture<ResultOf<D, Name>>>;
    /**
     * The future of a task that was submitted anywhere, at any time. Asks nothing yet.
     *
     * @throws {TypeError} if the id is no UUID
     */
    future<Result = unknown>(id: string): TaskFuture<Result>;
    /**
     * The future of a group that was made anywhere, at any time. Asks nothing yet.
     *
     * @throws {TypeError} if the id is no UUID
     */
    group<Result = unknown>(groupId: string): GroupFuture<Result>;
    /**
     * Cancels tasks that have not ended: those of a list of ids, or all that a filter matches, at most 10,000.
     *
     * @throws {ValidationError} if the filter matches more, or says nothing: then none is cancelled
     */
    cancelTasks(which: TasksToCancel, reason?: string, options?: CancelOptions): Promise<TasksCancel>;
    /**
     * Submits one task for each element, as a group: for each of a list of inputs, or for each element of the
     * iterables among the fields, of one length. What is no iterable, or is marked with `unmapped`, goes to
     * every task, and so does the result of a future among the fields. All are submitted or none, at most
     * 100,000.
     *
     * @throws {MappingMissingIterableError | MappingLengthMismatchError} if there is nothing to go through, or
     * lists of different lengths
     * @throws {UnknownDefinitionError | ValidationError} as `submit`
     */
    map<Name extends NameOf<D>>(name: Name, inputs: Iterable<Given<InputOf<D, Name>>> | Quoted<Iterable<InputOf<D, Name>>>, options?: MapOptions): Promise<TaskFutures<ResultOf<D, Name>>>;
    map<Name extends NameOf<D>>(name: Name, fields: MapFields<InputOf<D, Name>>, more?: MapFields<InputOf<D, Name>>, options?: MapOptions): Promise<TaskFutures<ResultOf<D, Name>>>;
    /**
     * A task for a canvas, as the function `sig` makes it; here its name, its input and its field `into` have
     * to be those of a definition.
     */
    sig<Name extends NameOf<D>, const Into extends KeyOf<InputOf<D, Name>> | undefined = undefined, const Immutable extends boolean = false>(name: Name, input?: Into extends string ? Given<Freed<InputOf<D, Name>, Into>> : Given<InputOf<D, Name>>, options?: SignatureOptions<Into, Immutable>): Signature<Name, Made<unknown, Into, Immutable>>;
    /**
     * Submits all tasks of a canvas at once, or none: made by `sig`, `chain`, `group`, `chord` and `chunks`.
     *
     * The names and inputs in it, and what each gets from the one before, are compared with the definitions of
     * this client. A canvas that does not fit is no argument for this call; the compiler's message says why.
     *
     * @param options for all its tasks, where they have none of their own; the tags are added to theirs
     * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
     * the fault
     */
    run<const C extends Canvas>(canvas: C & Fitting<D, C>, { signal, idempotencyKey, ...taskOptions }?: RunOptions): Promise<FlowFuture<HandedOn<D, C>>>;
    /**
     * A URL at which a browser's `EventSource`, which can send no token, reads one stream:
     * `/v1/tasks/{id}/events` or `/v1/as-completed` with its query. It can be opened for a minute, or for
     * `ttlSeconds`, by whoever has it.
     *
     * @throws {ValidationError} if it is the path of no stream
     * @throws {UnauthorizedError} if the token may not read
     */
    streamUrl(path: string, options?: StreamUrlOptions): Promise<string>;
    /** What waits and runs, and what happened in the last `minutes`: 1 to 60, default 15. */
    stats(options?: {
        minutes?: number;
        signal?: AbortSignal;
    }): Promise<Stats>;
    /** Each change of a task's state from now on, in all processes. A `gap` says that some may be missing. */
    events(options?: EventsOptions): AsyncGenerator<ServiceEvent>;
}

export { AsCompletedTimeoutError, BackfilledTask, Bulk, BulkCounts, BulkFilter, BulkPreview, BulkRequest, CacheOptions, CallOptions, CancelFilter, CancelOptions, CancelledError, Canvas, Chain, Chord, Chunks, Client, ClientOptions, Compensation, CompensationOptions, ConcurrencyOptions, ConflictError, ConnectionError, Continuation, CrashedError, DebounceOptions, DefinitionInfo, DefinitionLike, DefinitionList, Definitions, Dependents, DoneAndNotDone, DoneCallback, EachTaskOptions, End, ErrandError, ErrorMatch, EventFilter, EventsOptions, Failure, FailureAllowed, FlowFuture, FlowResultOptions, ForgottenError, GatherOptions, Given, Group, GroupCancel, GroupCancelOptions, GroupCompensation, GroupCounts, GroupError, GroupFault, GroupFilter, GroupFuture, GroupGraph, GroupInfo, GroupListOptions, GroupOptions, GroupOutcome, GroupPolicy, GroupState, GroupSummary, Groups, Happened, HistoryEntry, HttpOptions, InputOf, Key, Keys, LimitRule, LimitRuleConfig, LimitStatus, Limits, ListOptions, LogLine, MadeKey, MapField, MapFields, MapOptions, MappingLengthMismatchError, MappingMissingIterableError, NameOf, NewKey, NotFoundError, OrError, Overlap, Pause, PauseOptions, Percentiles, Problem, ProblemError, Progress, Queue, QueueConcurrency, QueueCounts, Queues, Quoted, Rate, RateLimitOptions, Reference, RemoteError, ResultOf, ResultOptions, ResultsOf, ResultsOptions, RetryPolicy, RetryRule, ReturnWhen, RunOptions, RunningTask, Schedule, ScheduleConfig, SchedulePatch, ScheduleSpec, ScheduleSummary, ScheduleTimes, ScheduledTaskOptions, Schedules, Scope, ServiceEvent, SignalOptions, Signature, SignatureOptions, State, StateType, Stats, StreamUrlOptions, SubmitOptions, Task, TaskCondition, TaskCount, TaskError, TaskEvent, TaskFilter, TaskFuture, TaskFutures, TaskOptions, TaskRetry, TaskSummary, Tasks, TasksCancel, TasksNow, TasksToCancel, Timeout, TimeoutError, Transition, TriggerOptions, UnauthorizedError, UnavailableError, UnexpectedAnswerError, UniqueOptions, UnknownDefinitionError, Unmapped, Upstream, ValidationError, WaitCondition, WaitFor, WaitForAny, WaitForGiven, WaitOptions, Worker, Workers, allowFailure, asCompleted, chain, chord, chunks, gather, group, quote, sig, unmapped, wait };
