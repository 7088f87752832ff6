import type { HttpBeside } from "../kernel/grpc.ts";
import { loadProtos } from "../kernel/protos.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type Call, type Message, projectOf, type ServiceSpec, type Unary } from "../kernel/rpc.ts";
import { createDeliverer, type MintIdToken } from "../kernel/http-delivery.ts";
import { createIamPolicies, type IamPolicies } from "../kernel/iam-policies.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { serveRest } from "../kernel/rest.ts";
import { StatusError } from "../kernel/status-error.ts";
import { createDispatcher, type Dispatcher } from "./dispatch.ts";
import * as limits from "./limits.ts";
import { parseName, parseSettings, type Queue, type QueueSettings, queueMessage } from "./queue.ts";
import type { ExhaustedTask } from "./settle-attempt.ts";
import { openTaskState, type QueueDepth, type TaskState } from "./state.ts";
import { parseTask, type Task, taskMessage } from "./task.ts";

export interface Tasks {
  readonly services: ServiceSpec[];
  /** The same calls as REST, on the same port. */
  readonly http: HttpBeside;
  /** Resolves once nothing of the project is being dispatched or due; later tasks and retries don't count. */
  idle(project: string): Promise<void>;
  /** The state for display, of one project or of all. */
  snapshot(project?: string): TasksSnapshot;
  close(): void;
}

export interface TasksSnapshot {
  readonly queues: (QueueDepth & {
    readonly name: string;
    readonly paused: boolean;
    readonly settings: QueueSettings;
  })[];
  readonly exhausted: ExhaustedTask[];
}

export interface TasksOptions {
  /** The database file; undefined: tasks live as long as the process. */
  readonly path: string | undefined;
  readonly mintIdToken: MintIdToken;
}

const PROTO = "google.cloud.tasks.v2";

/** Cloud Tasks: queues that dispatch HTTP requests. Tasks left from an earlier process go on at once. */
export function openTasks(kernel: Kernel, { path, mintIdToken }: TasksOptions): Tasks {
  const root = loadProtos("@google-cloud/tasks");
  const httpRequest = root.lookupType(`${PROTO}.HttpRequest`);
  const state = openTaskState(path, httpRequest);
  const policies = createIamPolicies(state.database, root.lookupType("google.iam.v1.Policy"));
  const deliverer = createDeliverer(kernel.clock, mintIdToken);
  const dispatcher = createDispatcher(kernel, state, deliverer);
  const parse = (queue: string, task: Message): Task =>
    parseTask(httpRequest, queue, task, kernel.clock.now());
  for (const queue of state.queuesOf(undefined)) dispatcher.wake(queue.name);

  const unary = {
    ...queueCalls(kernel, state, policies, dispatcher),
    ...taskCalls(kernel, state, dispatcher, parse),
    ...policies.calls((resource) => void accessQueue(state, parseName("queue", resource))),
  };
  const services: ServiceSpec[] = [{ name: "tasks", proto: `${PROTO}.CloudTasks`, root, unary }];
  return {
    services,
    http: (client) => ownMachineOnly(serveRest(services, client)),
    idle: dispatcher.idle,
    snapshot: (project) => ({
      queues: state.queuesOf(project).map(({ name, paused, settings }) => ({
        name,
        paused,
        settings,
        ...state.depth(name, kernel.clock.now()),
      })),
      exhausted: dispatcher.exhausted(project),
    }),
    close() {
      dispatcher.close();
      deliverer.close();
      state.database.close();
    },
  };
}

function queueCalls(
  { clock }: Kernel,
  state: TaskState,
  policies: IamPolicies,
  dispatcher: Dispatcher,
): Record<string, Unary> {
  const { database } = state;

  const change = async (name: string, apply: (queue: Queue) => Queue): Promise<Message> => {
    parseName("queue", name);
    const queue = await database.write(() => {
      const changed = apply(accessQueue(state, name));
      state.putQueue(changed);
      return changed;
    });
    dispatcher.wake(name);
    return queueMessage(queue);
  };

  const newQueue = (name: string, message: Message): Queue => ({
    name: parseName("queue", name),
    project: projectOf(name),
    paused: false,
    purgedMs: undefined,
    settings: parseSettings(message),
  });

  return {
    async CreateQueue({ parent, queue }) {
      const created = newQueue(queue?.name, queue ?? {});
      if (!created.name.startsWith(`${parent}/queues/`)) {
        throw new StatusError("INVALID_ARGUMENT", "The queue's name is not below its parent.");
      }
      await database.write(() => {
        if (state.queue(created.name)) throw new StatusError("ALREADY_EXISTS", "Queue already exists.");
        state.putQueue(created);
      });
      return queueMessage(created);
    },
    GetQueue: ({ name }) => queueMessage(accessQueue(state, parseName("queue", name))),
    ListQueues({ parent, filter, pageSize, pageToken }) {
      parseName("location", parent);
      if (filter) throw new StatusError("UNIMPLEMENTED", "Filters of queues are not served.");
      const size = pageSizeOf(pageSize, limits.QUEUES_PAGE_MAX);
      const { page, nextPageToken } = pageOf(state.listQueues(parent, cursorOf(pageToken), size + 1), size);
      return { queues: page.map(queueMessage), nextPageToken };
    },
    UpdateQueue({ queue, updateMask }) {
      if (state.queue(parseName("queue", queue?.name)) === undefined) {
        const created = newQueue(queue.name, queue);
        return database.write(() => {
          state.putQueue(created);
          return queueMessage(created);
        });
      }
      return change(queue.name, (known) => ({
        ...known,
        settings: parseSettings(queue, known.settings, updateMask?.paths ?? []),
      }));
    },
    async DeleteQueue({ name }) {
      parseName("queue", name);
      await database.write(() => {
        accessQueue(state, name);
        state.deleteQueue(name);
        policies.forget(name);
      });
      dispatcher.wake(name);
      return {};
    },
    PurgeQueue: ({ name }) =>
      change(name, (queue) => {
        state.purge(name, clock.now() + limits.NAME_TAKEN_MS);
        return { ...queue, purgedMs: clock.now() };
      }),
    PauseQueue: ({ name }) => change(name, (queue) => ({ ...queue, paused: true })),
    ResumeQueue: ({ name }) => change(name, (queue) => ({ ...queue, paused: false })),
  };
}

function taskCalls(
  { clock, meter }: Kernel,
  state: TaskState,
  dispatcher: Dispatcher,
  parse: (queue: string, task: Message) => Task,
): Record<string, Unary> {
  const { database } = state;
  return {
    async CreateTask({ parent, task, responseView }, call: Call) {
      const created = parse(parseName("queue", parent), task);
      await database.write(() => {
        accessQueue(state, parent);
        const taken = state.isTaken(created.name, clock.now());
        if (taken === "present") throw new StatusError("ALREADY_EXISTS", "Requested entity already exists.");
        if (taken === "recent") {
          throw new StatusError("ALREADY_EXISTS", "A task with this name existed too recently.");
        }
        state.addTask(created);
      });
      meter.task(call);
      dispatcher.wake(parent);
      return taskMessage(created, responseView);
    },
    GetTask: ({ name, responseView }) => taskMessage(accessTask(state, name), responseView),
    ListTasks({ parent, responseView, pageSize, pageToken }) {
      accessQueue(state, parseName("queue", parent));
      const size = pageSizeOf(pageSize, limits.TASKS_PAGE_MAX);
      const { page, nextPageToken } = pageOf(state.listTasks(parent, cursorOf(pageToken), size + 1), size);
      return { tasks: page.map((task) => taskMessage(task, responseView)), nextPageToken };
    },
    async DeleteTask({ name }) {
      const task = await database.write(() => {
        const found = accessTask(state, name);
        state.removeTask(found, clock.now() + limits.NAME_TAKEN_MS);
        return found;
      });
      dispatcher.wake(task.queue);
      return {};
    },
    async RunTask({ name, responseView }) {
      return taskMessage(await dispatcher.runNow(accessTask(state, name)), responseView);
    },
  };
}

function accessQueue(state: TaskState, name: string): Queue {
  const queue = state.queue(name);
  if (queue === undefined) throw new StatusError("NOT_FOUND", "Queue does not exist.");
  return queue;
}

function accessTask(state: TaskState, name: unknown): Task {
  const task = state.task(parseName("task", name));
  if (task === undefined) throw new StatusError("NOT_FOUND", "Task does not exist; it may have ended.");
  return task;
}

const pageSizeOf = (requested: number, max: number): number =>
  requested > 0 ? Math.min(requested, max) : max;

/** A page token is the last name of the page before. */
const cursorOf = (token: string): string => Buffer.from(token ?? "", "base64url").toString();

/** Cuts rows, read one more than the page holds, to the page. */
function pageOf<T extends { readonly name: string }>(
  rows: T[],
  size: number,
): { page: T[]; nextPageToken: string } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const more = rows.length > size && last !== undefined;
  return { page, nextPageToken: more ? Buffer.from(last.name).toString("base64url") : "" };
}
