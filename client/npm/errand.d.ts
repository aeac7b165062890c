// Made by `deno task client` from client/*.ts.
/** Parts of a list, each of at most `size`. */
declare function chunksOf<T>(list: readonly T[], size: number): T[][];

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
    /** Only where the operator shows stacks. */
    stack?: string;
    /** False: a retry could not mend it, so there was none. */
    retryable: boolean;
}
interface Progress {
    current: number;
    total: number | null;
    message: string | null;
}
/** A task as lists show it: without input, result and history. */
interface TaskSummary {
    id: string;
    /** The name of its definition. */
    task: string;
    state: State;
    attempt: number;
    maxAttempts: number;
    error: Failure | null;
    progress: Progress | null;
    priority: number;
    tags: string[];
    metadata: Record<string, unknown>;
    groupId: string | null;
    parentId: string | null;
    waitFor: string[];
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
    };
}
interface Task<Result = unknown> extends TaskSummary {
    input: unknown;
    /** Null before the end as well as for a function that returned nothing: the state tells them apart. */
    result: Result | null;
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
}
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
    retry?: RetryPolicy;
    /** How often it may run again after its worker died; this uses up no attempt. */
    maxCrashes?: number;
    /** −10 to 10, larger first. */
    priority?: number;
    tags?: string[];
    /** Yours: kept and shown, never looked at. */
    metadata?: Record<string, unknown>;
    /** How long the task is kept after its end. */
    retentionMs?: number;
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
/** What an answer has to look like, and how an error says so. */
interface Expected {
    what: string;
    is(body: unknown): boolean;
}
declare const A_TASK: Expected;
/** True for what looks like a task, and not like what another service says. */
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
    constructor({ name, message, cause, stack, retryable }: Failure);
}
/**
 * The task ended FAILED: its function threw, or took too long (`state.name` is `TimedOut`). `message` and `cause` are
 * those of what was thrown, `remoteName` is its name.
 */
declare class TaskError extends ErrandError {
    name: string;
    readonly id: string;
    readonly state: State;
    readonly remoteName: string;
    readonly retryable: boolean;
    readonly remoteStack?: string;
    constructor({ id, state, error }: Task);
}
/** The task ended CRASHED: its workers died more often than `maxCrashes` allows. */
declare class CrashedError extends TaskError {
    name: string;
}
/** The task ended CANCELLED. `state.name` says how: Cancelled, Expired, UpstreamFailed or Superseded. */
declare class CancelledError extends ErrandError {
    name: string;
    readonly id: string;
    readonly state: State;
    /** As given to the cancel; else what the service says; null if nobody gave one. */
    readonly reason: string | null;
    constructor({ id, state }: Task);
}
/** It was not there in time. Nothing was cancelled by that. */
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
/** Nobody answered, or the connection was cut, for as long as it was tried. */
declare class ConnectionError extends ErrandError {
    name: string;
}
/** What answered is not this service, or speaks another language: the message says what was expected and what came. */
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
/** 409: the state of things does not allow it. */
declare class ConflictError extends ProblemError {
    name: string;
}
/** 404: no task or group has this id, or its retention is over. */
declare class NotFoundError extends ProblemError {
    name: string;
    /** What is missing: `task` or `group`. */
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
/** `map` was given nothing to go through. */
declare class MappingMissingIterableError extends ErrandError {
    name: string;
}
/** `map` was given iterables of different lengths. */
declare class MappingLengthMismatchError extends ErrandError {
    name: string;
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
 * @throws {UnexpectedAnswerError} for what this service would not say
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
/** The pauses of one effort. It begins with its first failure, so a long wait before that takes nothing from it. */
declare class Backoff {
    #private;
    failures: number;
    constructor(rule: RetryRule);
    /** For how long it has been failing. */
    get elapsedMs(): number;
    /**
     * The pause before the next try, spread so that many clients do not come back together; null when the time is up.
     *
     * @param atLeastMs what the server asked for
     */
    next(atLeastMs?: number): number | null;
    /** It got somewhere: what fails from now on is another matter. */
    reset(): void;
}

interface Timeout {
    /** Milliseconds; 0 means: only if it is there now. Left out: without limit. */
    timeoutMs?: number;
    signal?: AbortSignal;
}
/** @throws {RangeError} if it is no number of milliseconds. */
declare function checkTimeout(timeoutMs: number | undefined): number;
/** An instant on the clock that only goes forward. */
declare class Deadline {
    #private;
    constructor(timeoutMs: number);
    /** Never below 0. */
    get leftMs(): number;
}
/** Calls back after `ms`, unless that is without end; gives what stops it. */
declare function after(ms: number, call: () => void): () => void;
declare function pause(ms: number, signal?: AbortSignal): Promise<void>;
/** What ends a piece of work: the caller's signal, that nothing has come for a while, or that it is not needed more. */
declare class Limit {
    #private;
    constructor(outer?: AbortSignal);
    get signal(): AbortSignal;
    /** From now on something has to come within `ms`. */
    within(ms: number): void;
    /** It came: the time that is taken by who uses it does not count. */
    rest(): void;
    /** Ends it with this reason. */
    abort(reason?: unknown): void;
    /** To be called in any case: lets go of the timer and of the outer signal, and ends what still runs. */
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
    /** How long one request may stay without its answer, beyond the time that it asks the service to wait. Default 30 s. */
    requestTimeoutMs?: number;
}
interface Call {
    method: "GET" | "POST" | "DELETE";
    /** With its query, from the service's own root on. */
    path: string;
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal;
    /** What a successful answer must look like. Null: it has no body. */
    expects: Expected | null;
    /** How long the service was asked to wait with its answer. */
    waitMs?: number;
    /** Go on trying for no longer than this. */
    tryForMs?: number;
}
declare class Http {
    #private;
    readonly requestTimeoutMs: number;
    readonly retry: RetryRule;
    /** @throws {TypeError} for a URL or a header that cannot be one */
    constructor({ url, token, headers, fetch, retry, requestTimeoutMs }: HttpOptions);
    /** The answer to a call, once there is one. */
    call(call: Call): Promise<Answer>;
    /** The pauses between the tries of a call. */
    backoff({ tryForMs }: Pick<Call, "tryForMs">): Backoff;
    /** @throws {TypeError} if the body is nothing that JSON can say */
    request({ method, path, body, headers }: Omit<Call, "expects">): Request;
}
/** A call in the form in which it is sent, as often as it takes. */
interface Request {
    /** How errors speak of it. */
    name: string;
    send(signal: AbortSignal): Promise<Response>;
}
/** What another try may mend. */
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
    /** True when the reader has all that it wants: a stream that is cut then is not opened again. */
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
/** Ends after the last task, or after a `timeout`. */
declare function completions(http: Http, query: {
    ids: string[];
}, { timeoutMs, tryForMs, signal }?: {
    timeoutMs?: number;
    tryForMs?: number;
    signal?: AbortSignal;
}): AsyncGenerator<Completion>;

/** What `call` makes of each, in order, with a few calls under way at a time. */
declare function inParallel<T, R>(list: readonly T[], call: (each: T) => Promise<R>): Promise<R[]>;

/** The ids that an answer points at as unknown or forgotten; `ids` as they were sent. */
declare function missingOf(ids: string[], error: unknown): string[];
/** Tells of each id the task, if it is there after all, or the error that says why not. */
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
declare class Arrivals {
    #private;
    constructor(http: Http);
    /** Tells the waiter once, after this call; gives what stops it. */
    watch(id: string, waiter: Waiter): () => void;
}

declare class Looks {
    #private;
    constructor(http: Http);
    /**
     * The ended task; null if it has not ended.
     *
     * @throws {ConnectionError} if for two seconds nobody says so
     */
    ended(id: string): Promise<Task | null>;
}

/** What the futures of one client share. */
interface Connection {
    readonly http: Http;
    readonly arrivals: Arrivals;
    readonly looks: Looks;
    /** Told of errors in callbacks, which have nobody to be thrown at. */
    readonly log: (message: string, error: unknown) => void;
}

declare class End<Result> {
    #private;
    constructor(connection: Connection, id: string);
    /** The ended task; null if its end has not been seen. */
    get task(): Task<Result> | null;
    /** What tells that the task has ended, if that was asked from now on. */
    settler(): (task: Task) => void;
    /** The task is run again, or gone. */
    forget(): void;
    /** Runs it at the end, in the order in which they were added; at once if that has been seen. */
    addCallback(of: unknown, run: () => void): void;
    /** Gives how many there were of it. */
    removeCallback(of: unknown): number;
    /**
     * The ended task, as soon as it has ended.
     *
     * @throws {TimeoutError} at the timeout
     */
    wait({ timeoutMs, signal }: Timeout): Promise<Task<Result>>;
}

/** Null for a task that completed. */
declare function errorOf(task: Task): TaskError | CancelledError | null;

type DoneCallback<Result> = (future: TaskFuture<Result>) => unknown;
interface ResultOptions extends Timeout {
    /** False: the error of a task that did not complete is returned, not thrown. */
    raiseOnFailure?: boolean;
    /**
     * True: at the timeout the task is cancelled, its end awaited, and a result that came first is returned all the
     * same, as Python's `asyncio.wait_for`.
     */
    cancelOnTimeout?: boolean;
    /** True: an abort of `signal` cancels the task. */
    cancelOnAbort?: boolean;
}
/** What the rest of the client may look into, and its users may not. */
declare let internals: {
    connectionOf(future: TaskFuture): Connection;
    endOf(future: TaskFuture): End<unknown>;
};
interface CancelOptions {
    /** How long a running function may take to stop. */
    graceMs?: number;
    signal?: AbortSignal;
}
/**
 * A task's future, in any process and at any time: it survives the one that submitted.
 *
 * It has no `then`, on purpose: an `async` function can return it without waiting for the task, and to wait is
 * always a visible `result()`. Once it has seen the task's end it keeps it and asks no more.
 */
declare class TaskFuture<Result = unknown> {
    #private;
    readonly id: string;
    /** Made by a client: `submit`, `map`, `future`. */
    constructor(connection: Connection, id: string);
    /**
     * The value, as soon as it is there; null if the function returned nothing.
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
     * The error with which the task failed, as soon as it has ended; null if it completed.
     *
     * @throws {CancelledError | TimeoutError | NotFoundError | ForgottenError} as `result`
     */
    exception(options?: Timeout): Promise<TaskError | null>;
    /** Waits for the end, however it may be. True: it has ended; false: not in time. */
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
     * True: it is cancelled (also if it was before), or runs and was asked to stop; a function may ignore that for
     * `graceMs`. False: too late, it has ended otherwise.
     */
    cancel(reason?: string, { graceMs, signal }?: CancelOptions): Promise<boolean>;
    /**
     * Runs an ended task that did not complete once more, under the same id, perhaps with another input. However often it
     * has to be sent, that is done once; if somebody else does the same at this moment, once for both.
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
     * Everything that happens to the task, from the first event on, or behind the one numbered `after`. Goes on by
     * itself after a cut, with nothing missing and nothing twice. Ends behind the `result` or `error`.
     */
    events(options?: {
        after?: number;
        signal?: AbortSignal;
    }): AsyncGenerator<TaskEvent<Result>>;
    /**
     * Called once with this future when the task has ended; at once if that is known already. Callbacks run in the
     * order in which they were added. What one throws is logged, and nothing else. It waits as long as it takes, also
     * for a service that is away; if there is no such task, that is logged.
     */
    addDoneCallback(callback: DoneCallback<Result>): void;
    /** Gives how many there were of it. */
    removeDoneCallback(callback: DoneCallback<Result>): number;
}

/** A task, and the futures in a list that stand for it. */
interface Awaited<Future extends TaskFuture> {
    /** The first of them. */
    future: Future;
    /** True if one of them has seen the end. */
    hasEnded(): boolean;
    /** Tells all of them. */
    settle(task: Task): void;
}
/** Each task once, in the order of the list. */
declare function distinct<Future extends TaskFuture>(futures: Iterable<Future>): Awaited<Future>[];
/** What one request can ask for. */
interface Part<Future extends TaskFuture> {
    connection: Connection;
    /** By the ids of the tasks. */
    tasks: Map<string, Awaited<Future>>;
}
/** By service, as futures of several may be waited for together. */
declare function partsOf<Future extends TaskFuture>(tasks: Iterable<Awaited<Future>>): Part<Future>[];

/** What several sources give, as it comes. Leaving the loop, or an error of one, ends them all. */
declare function merged<T>(sources: AsyncGenerator<T>[]): AsyncGenerator<T>;

/**
 * The futures in the order in which their tasks end: those that have ended first, then each as it does, the cancelled
 * ones too, duplicates once. Goes on by itself after a cut. Leaving the loop closes the connection.
 *
 * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
 * @throws {AsCompletedTimeoutError} at the deadline, as "2 (of 5) futures unfinished"; nothing is cancelled by that
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there at the start
 */
declare function asCompleted<Future extends TaskFuture>(futures: Iterable<Future>, { timeoutMs, signal }?: Timeout): AsyncGenerator<Future>;

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
 * Without `returnExceptions` the first failure in time is thrown as soon as it is there; the other tasks go on.
 *
 * @throws {AsCompletedTimeoutError} at the timeout; the tasks go on
 */
declare function gather<const Futures extends Iterable<TaskFuture>>(futures: Futures, options?: GatherOptions & {
    returnExceptions?: false;
}): Promise<ResultsOf<Futures>>;
declare function gather<const Futures extends Iterable<TaskFuture>>(futures: Futures, options: GatherOptions): Promise<ResultsOf<Futures, ErrandError>>;
/**
 * Cancels all that have not ended, a few at a time; for each, whether it was in time. One that cannot be cancelled
 * does not keep the others from it.
 */
declare function cancelAll(futures: readonly TaskFuture[], reason?: string, options?: CancelOptions): Promise<boolean[]>;

/** Marks an iterable that every task gets as a whole. */
declare class Unmapped<T> {
    #private;
    constructor(value: T);
    get value(): T;
}
/** Every task of a `map` gets this value as it is. Needed for iterables only; all else is given to each anyway. */
declare function unmapped<T>(value: T): Unmapped<T>;
/** A field of a `map`: one value for each task, or one for all, which must be marked if it is itself an iterable. */
type MapField<T> = Iterable<T> | Unmapped<T> | (T extends string ? T : T extends Iterable<unknown> ? never : T);
/** The fields of a `map`. */
type MapFields<Input> = {
    [Field in keyof Input]?: MapField<Input[Field]>;
};
/**
 * One input for each element.
 *
 * @throws {MappingMissingIterableError} if no field is an iterable
 * @throws {MappingLengthMismatchError} if they differ in length
 */
declare function inputsOf(fields: Record<string, unknown>): Record<string, unknown>[];

declare const RETURN_WHEN: readonly ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"];
/**
 * `FIRST_COMPLETED`: one has ended, a cancelled one counts. `FIRST_EXCEPTION`: one has failed, a cancelled one does not
 * count; or all have ended. `ALL_COMPLETED`: all have ended.
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
 * Waits until `returnWhen` is true or the time is over; that is no error, and cancels nothing.
 *
 * @throws {ConnectionError} if at the end of the time nobody says how they stand
 * @throws {RangeError} for another `returnWhen`
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there
 */
declare function wait<Future extends TaskFuture>(futures: Iterable<Future>, { returnWhen, timeoutMs, signal }?: WaitOptions): Promise<DoneAndNotDone<Future>>;

/** A frozen array: it stands for a group, whose members do not change. */
declare class TaskFutures<Result = unknown> extends Array<TaskFuture<Result>> {
    #private;
    /** The group on the service; null for an empty list, and for more tasks than one request submits. */
    readonly groupId: string | null;
    /** Made by a client's `map`. */
    constructor(futures: readonly TaskFuture<Result>[], groupId: string | null);
    static get [Symbol.species](): ArrayConstructor;
    /**
     * All values in the order of the inputs. The first one in that order that failed is thrown at its turn.
     *
     * @throws as `TaskFuture.result`; the timeout is one for all
     */
    results(options?: Timeout): Promise<Result[]>;
    /**
     * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed is thrown
     * at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
     *
     * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
     */
    inOrder(options?: Timeout): AsyncGenerator<Result>;
    /** The futures as their tasks end. */
    asCompleted(options?: Timeout): AsyncGenerator<TaskFuture<Result>>;
    wait(options?: WaitOptions): Promise<DoneAndNotDone<TaskFuture<Result>>>;
    /** Cancels those that have not ended; for each, whether it was in time. */
    cancel(reason?: string, options?: CancelOptions): Promise<boolean[]>;
}

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
type IsUntyped<D extends Definitions> = string extends keyof D ? true : false;
type Unchecked = any;
/** What a definition takes. */
type InputOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked : TypesOf<Named<D, Name>["input"]>["input"];
/** What a definition returns, which is JSON. A function that returns nothing gives null. */
type ResultOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked : NothingIsNull<TypesOf<Named<D, Name>["output"]>["output"]>;
type NothingIsNull<T> = unknown extends T ? T : Exclude<T, undefined | void> | NullIfNothing<T>;
type NullIfNothing<T> = [Extract<T, undefined | void>] extends [never] ? never : null;
/** The arguments behind a definition's name: the input may be left out where nothing in it is required. */
type Arguments<Input, Options> = undefined extends Input ? [input?: Input, options?: Options] : Record<string, never> extends Input ? [input?: Input, options?: Options] : [input: Input, options?: Options];

interface ClientOptions extends HttpOptions {
    /** Told of errors in callbacks, which have nobody to be thrown at. Default: `console.error`. */
    log?: (message: string, error: unknown) => void;
}
interface MapOptions extends TaskOptions {
    /** Repeating the call under the same key makes nothing anew. Default: a key of the client's own for each call. */
    idempotencyKey?: string;
    signal?: AbortSignal;
}
interface SubmitOptions extends MapOptions {
    /** An id of your own, a UUID; a ConflictError if it is taken. */
    id?: string;
}
/**
 * A client of one service. `Client<typeof definitions>` with a type-only import of the service's definitions knows the
 * names, what goes in and what comes out; without it, all is allowed.
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
    /** @throws {TypeError} if the URL is no absolute http(s) URL */
    constructor({ log, ...options }: ClientOptions);
    /**
     * Submits a task. When this resolves, the task is on disk.
     *
     * After a lost connection it is sent again under the same Idempotency-Key, so it never becomes two tasks.
     *
     * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at the fault
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
     * Submits one task for each element, as a group: for each of a list of inputs, or for each element of the iterables
     * among the fields, of one length. What is no iterable, or is marked with `unmapped`, goes to every task.
     *
     * Up to 1,000 tasks are submitted all or none, and get a group on the service. More go in several requests and get
     * none; if a later request is refused, the tasks of the earlier ones are cancelled, unless the call has a key of its
     * own, under which it can be repeated.
     *
     * @throws {MappingMissingIterableError | MappingLengthMismatchError} before anything is sent
     */
    map<Name extends NameOf<D>>(name: Name, inputs: Iterable<InputOf<D, Name>>, options?: MapOptions): Promise<TaskFutures<ResultOf<D, Name>>>;
    map<Name extends NameOf<D>>(name: Name, fields: MapFields<InputOf<D, Name>>, more?: MapFields<InputOf<D, Name>>, options?: MapOptions): Promise<TaskFutures<ResultOf<D, Name>>>;
}

export { AsCompletedTimeoutError, CancelOptions, CancelledError, Client, ClientOptions, ConflictError, ConnectionError, CrashedError, DefinitionLike, Definitions, DoneAndNotDone, DoneCallback, ErrandError, Failure, ForgottenError, GatherOptions, HistoryEntry, HttpOptions, InputOf, MapField, MapFields, MapOptions, MappingLengthMismatchError, MappingMissingIterableError, NameOf, NotFoundError, Problem, ProblemError, Progress, RemoteError, ResultOf, ResultOptions, ResultsOf, RetryPolicy, RetryRule, ReturnWhen, State, StateType, SubmitOptions, Task, TaskError, TaskEvent, TaskFuture, TaskFutures, TaskOptions, TaskSummary, Timeout, TimeoutError, UnauthorizedError, UnavailableError, UnexpectedAnswerError, UnknownDefinitionError, Unmapped, ValidationError, WaitOptions, asCompleted, gather, unmapped, wait };
