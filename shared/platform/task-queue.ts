import type { CloudTasksClient } from "@google-cloud/tasks";
import { type Config, functionUrl } from "./config.ts";
import { currentContext, REQUEST_ID_HEADER, TRACEPARENT_HEADER, withContextMetadata } from "./context.ts";
import { clientOptions } from "./endpoint.ts";
import { GRPC, grpcCode } from "./errors.ts";
import { derivedId } from "./ids.ts";
import { lazy } from "./lazy.ts";
import { inSpan } from "./trace.ts";
import type { SpanAttributes } from "./trace-context.ts";

export interface NewTask {
  readonly queue: string;
  /** The function that does it. */
  readonly function: string;
  /** What the task is named after: the same parts always give the same task. */
  readonly id: readonly string[];
  readonly payload: object;
  /** Milliseconds since the epoch; at once when absent. */
  readonly notBefore?: number;
}

export interface TaskQueue {
  /**
   * Creates the task, or finds that it exists: both resolve. Cloud Tasks forgets a name within a
   * day after the task is done, so the function that does the work keeps its own record too.
   */
  enqueue(task: NewTask): Promise<void>;
  /** Asks Cloud Tasks for a queue. @throws when it does not answer, or does not have it */
  check(queue: string): Promise<void>;
  close(): Promise<void>;
}

const ENQUEUE_MS_MAX = 5_000;

export function openTaskQueue(config: TaskConfig): TaskQueue {
  const client = lazy<CloudTasksClient>(async () => {
    const { CloudTasksClient } = await import("@google-cloud/tasks");
    return new CloudTasksClient({
      projectId: config.projectId,
      ...withContextMetadata,
      ...(await clientOptions(config.tasksEndpoint)),
    });
  });
  return {
    enqueue: (task) =>
      inSpan(`enqueue ${task.queue}`, "producer", messagingAttributes(task), async (span) => {
        const request = requestFor(config, task);
        try {
          await (await client.get()).createTask(request, { timeout: ENQUEUE_MS_MAX });
        } catch (cause) {
          if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
          span?.set({ "scrollback.task.existed": true });
        }
      }),
    async check(queue) {
      const name = `projects/${config.projectId}/locations/${config.region}/queues/${queue}`;
      await (await client.get()).getQueue({ name }, { timeout: ENQUEUE_MS_MAX });
    },
    async close() {
      await (await client.made())?.close();
    },
  };
}

const messagingAttributes = ({ queue, notBefore }: NewTask): SpanAttributes => ({
  "messaging.system": "gcp_cloud_tasks",
  "messaging.operation.name": "create",
  "messaging.destination.name": queue,
  "scrollback.task.delayed": notBefore !== undefined,
});

type TaskConfig = Pick<Config, "projectId" | "region" | "tasksEndpoint" | "functionsUrl" | "invokerEmail">;

function requestFor(config: TaskConfig, task: NewTask) {
  const url = functionUrl(config.functionsUrl, task.function);
  const parent = `projects/${config.projectId}/locations/${config.region}/queues/${task.queue}`;
  const context = currentContext();
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (context !== undefined) {
    headers[REQUEST_ID_HEADER] = context.requestId;
    headers[TRACEPARENT_HEADER] = context.traceparent;
  }
  return {
    parent,
    task: {
      // A hashed name spreads over the queue's shards; sequential names are slower.
      name: `${parent}/tasks/${derivedId(...task.id)}`,
      ...(task.notBefore === undefined ? {} : { scheduleTime: timestamp(task.notBefore) }),
      httpRequest: {
        httpMethod: "POST" as const,
        url,
        headers,
        body: Buffer.from(JSON.stringify(task.payload)),
        oidcToken: { serviceAccountEmail: config.invokerEmail, audience: url },
      },
    },
  };
}

const timestamp = (ms: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(ms / 1000),
  nanos: Math.floor(ms % 1000) * 1_000_000,
});
