import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { appHandle } from "../../shared/identity/app.ts";
import { openAppDirectory } from "../../shared/identity/app-directory.ts";
import { isMoving } from "../../shared/identity/manage-app.ts";
import { openRevocations } from "../../shared/identity/revocations.ts";
import type { Death } from "../../shared/jobs/contract.ts";
import { runInContext } from "../../shared/platform/context.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { AppError, toAppError } from "../../shared/platform/errors.ts";
import { fieldErrors } from "../../shared/platform/field-errors.ts";
import { describeError } from "../../shared/platform/log.ts";
import type { Task } from "../../shared/platform/task.ts";
import type { SpanAttributes } from "../../shared/platform/trace-context.ts";
import { type CallerCheck, openCallerCheck } from "./caller-check.ts";
import { attemptsMaxOf } from "./deliveries.ts";
import type { CloudFunction } from "./function.ts";
import { parseJson } from "./parse-json.ts";
import { DELIVERY_BYTES_MAX, discardBody, readJsonBody } from "./read-body.ts";
import { oneHeader, requestIdOf } from "./request-context.ts";

/** What a delivery carries, once its envelope is opened. */
interface Delivery {
  readonly payload: unknown;
  readonly requestId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** `source` names the delivery among all; `attempt` counts its tries, this one included. */
  readonly source?: string | undefined;
  readonly attempt?: number | undefined;
  /** For the log: which attempt, which task. */
  readonly facts: Readonly<Record<string, unknown>>;
}

interface BackgroundSpec<Payload> {
  readonly name: string;
  readonly trigger: "event" | "task" | "schedule";
  readonly payload: z.ZodType<Payload>;
  unwrap(body: unknown, headers: IncomingHttpHeaders): Delivery;
  /**
   * Prepares an instance and returns the function that does the work. The function throws to have the
   * delivery repeated, and throws `invalid_request` to have it never repeated. What it resolves with is
   * logged.
   */
  open(deps: Deps): (payload: Payload) => Promise<object | undefined>;
}

export const DEAD_LETTERS_TOPIC = "dead-letters";

/**
 * A function that queues and schedules call. The wrapper proves the caller, opens the envelope, restores
 * the context of the request that caused it, validates, and answers: 2xx is done, anything else is
 * delivered again. What can never succeed goes to the dead letters with its cause and counts as done.
 */
function backgroundFunction<Payload>(spec: BackgroundSpec<Payload>): CloudFunction {
  return {
    name: spec.name,
    open(deps) {
      const handle = atHome(deps, spec, spec.open(deps));
      const opened = { checkCaller: openCallerCheck(deps, spec.name), handle };
      return (request, response) =>
        request.method === "GET"
          ? answerProbe(opened.checkCaller, request, response)
          : serve(deps, spec, opened, { request, response });
    },
  };
}

type Handle<Payload> = (payload: Payload) => Promise<object | undefined>;

/**
 * Where there are cells, work on an app that is moving waits, and is none any more once it has moved: the
 * other cell's upkeep finds what was left. What was only an event is found there, or here, without it.
 */
function atHome<Payload>(
  deps: Deps,
  { trigger }: Pick<BackgroundSpec<Payload>, "trigger">,
  handle: Handle<Payload>,
): Handle<Payload> {
  if (deps.cells.own === undefined) return handle;
  const apps = openAppDirectory(deps, openRevocations(deps));
  return async (payload) => {
    const { app } = payload as { app?: unknown };
    if (typeof app !== "string") return handle(payload);
    const standing = await apps.standingOf(appHandle(deps.firestore, app)).catch((cause: unknown) => {
      const { code } = toAppError(cause);
      if (code === "moved" || code === "not_found") return code;
      throw cause;
    });
    if (standing === "moved" || (standing === "moving" && trigger === "event")) return { outcome: standing };
    if (standing === "moving") throw isMoving();
    return handle(payload);
  };
}

/**
 * A rollout asks whether a new revision is there before it gets any traffic. Nothing is done for it, and no
 * line is written that would count as a run.
 */
async function answerProbe(
  checkCaller: CallerCheck,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const status = await checkCaller(request.headers).then(
    () => 204,
    (cause: unknown) => toAppError(cause).status,
  );
  await discardBody(request);
  response.writeHead(status).end();
}

async function serve<Payload>(
  deps: Deps,
  spec: BackgroundSpec<Payload>,
  { checkCaller, handle }: { checkCaller: CallerCheck; handle: ReturnType<BackgroundSpec<Payload>["open"]> },
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const startedMs = performance.now();
  let delivery: Delivery = { payload: undefined, facts: {} };
  let failure: AppError | undefined;
  try {
    await checkCaller(request.headers);
    delivery = spec.unwrap(await readJsonBody(request, DELIVERY_BYTES_MAX), request.headers);
  } catch (cause) {
    failure = toAppError(cause);
  }
  const entered = deps.traces.enter({
    service: spec.name,
    requestId: requestIdOf(delivery.requestId),
    traceparent: delivery.traceparent,
    isOurs: failure === undefined,
  });
  const isRefused = failure !== undefined;
  const { context } = entered;
  await runInContext(context, async () => {
    let result: object | undefined;
    let isDone = false;
    if (failure === undefined) {
      try {
        result = await handle(parsePayload(spec.payload, delivery.payload));
        isDone = true;
      } catch (cause) {
        failure = toAppError(cause);
        isDone = await isBuried(deps, spec, delivery, failure);
      }
    }
    const status = isDone ? 204 : (failure?.status ?? 500);
    entered.end({
      name: spec.name,
      kind: spec.trigger === "schedule" ? "server" : "consumer",
      attributes: deliveryAttributes(spec, delivery, failure),
      isFailed: failure !== undefined && !isRefused,
    });
    await Promise.all([discardBody(request), deps.traces.settle()]);
    response.writeHead(status, { "x-request-id": context.requestId }).end();
    deps.log.write(failure === undefined ? "INFO" : "ERROR", `${spec.name} ${failure?.code ?? "done"}`, {
      function: spec.name,
      trigger: spec.trigger,
      outcome: failure?.code ?? "ok",
      latencyMs: Math.round((performance.now() - startedMs) * 100) / 100,
      ...delivery.facts,
      ...result,
      ...(failure === undefined ? {} : { error: describeError(failure) }),
    });
  });
}

/** By the names of OpenTelemetry's conventions, where those have one. */
const deliveryAttributes = (
  { name, trigger }: Pick<BackgroundSpec<unknown>, "name" | "trigger">,
  { source, attempt }: Delivery,
  failure: AppError | undefined,
): SpanAttributes => ({
  "faas.name": name,
  "faas.trigger": trigger === "schedule" ? "timer" : "pubsub",
  "scrollback.trigger": trigger,
  "messaging.message.id": source,
  "scrollback.attempt": attempt,
  "scrollback.outcome": failure?.code ?? "ok",
  "error.type": failure?.code,
});

/** @throws AppError `invalid_request`: what is malformed now will be malformed at every delivery */
function parsePayload<Payload>(schema: z.ZodType<Payload>, payload: unknown): Payload {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new AppError(
    "invalid_request",
    "The payload is not of the form that this function takes.",
    fieldErrors(parsed.error),
  );
}

/**
 * Sends what can never succeed, or was tried for the last time, to the dead letters; false when it is to be
 * delivered again. Schedules come again by themselves.
 */
async function isBuried(
  deps: Deps,
  { name, trigger }: Pick<BackgroundSpec<unknown>, "name" | "trigger">,
  { payload, source, attempt = 1 }: Delivery,
  failure: AppError,
): Promise<boolean> {
  const isLast = attempt >= attemptsMaxOf(name);
  if (trigger === "schedule" || !(isLast || failure.code === "invalid_request")) return false;
  const { code, message } = failure;
  const death: Death = {
    function: name,
    trigger,
    cause: {
      code,
      message,
      ...(failure.details.errors === undefined ? {} : { errors: [...failure.details.errors] }),
    },
    payload: payload ?? null,
    source: source ?? "",
    attempts: attempt,
  };
  try {
    await deps.publisher.publish(DEAD_LETTERS_TOPIC, death);
    return true;
  } catch (cause) {
    deps.log.error("A dead letter could not be published; it is delivered again.", cause, { function: name });
    return false;
  }
}

const PushEnvelope = z.object({
  message: z.object({
    data: z.string().default(""),
    attributes: z.record(z.string(), z.string()).default({}),
    messageId: z.string(),
  }),
  subscription: z.string(),
  deliveryAttempt: z.number().optional(),
});

/** A function that a Pub/Sub subscription pushes events to. */
export const eventFunction = <Payload>(
  spec: Pick<BackgroundSpec<Payload>, "name" | "payload" | "open"> & {
    /** The payload, where it is not the data alone. */
    read?(data: unknown, attributes: Readonly<Record<string, string>>, messageId: string): unknown;
  },
): CloudFunction =>
  backgroundFunction({
    ...spec,
    trigger: "event",
    unwrap(body) {
      const { message, deliveryAttempt } = parsePayload(PushEnvelope, body);
      const { attributes, messageId } = message;
      const data = jsonOrText(Buffer.from(message.data, "base64"));
      return {
        payload: spec.read === undefined ? data : spec.read(data, attributes, messageId),
        source: messageId,
        attempt: deliveryAttempt ?? 1,
        requestId: message.attributes.requestId,
        traceparent: message.attributes.traceparent,
        facts: {
          messageId: message.messageId,
          ...(deliveryAttempt === undefined ? {} : { deliveryAttempt }),
        },
      };
    },
  });

/** A function that a Cloud Tasks queue dispatches tasks to. */
export const taskFunction = <Payload extends object>({
  task,
  open,
}: Pick<BackgroundSpec<Payload>, "open"> & {
  readonly task: Pick<Task<Payload>, "name" | "payload">;
}): CloudFunction =>
  backgroundFunction({
    name: task.name,
    payload: task.payload,
    open,
    trigger: "task",
    unwrap: (payload, headers) => ({
      payload,
      requestId: oneHeader(headers["x-request-id"]),
      traceparent: oneHeader(headers.traceparent),
      source: oneHeader(headers["x-cloudtasks-taskname"]),
      attempt: Number(oneHeader(headers["x-cloudtasks-taskretrycount"]) ?? 0) + 1,
      facts: {
        task: oneHeader(headers["x-cloudtasks-taskname"]),
        retryCount: Number(oneHeader(headers["x-cloudtasks-taskretrycount"]) ?? 0),
      },
    }),
  });

/** A function that Cloud Scheduler runs. */
export const scheduleFunction = (spec: Pick<BackgroundSpec<object>, "name" | "open">): CloudFunction =>
  backgroundFunction({
    ...spec,
    payload: z.looseObject({}),
    trigger: "schedule",
    unwrap: (body, headers) => ({
      payload: body ?? {},
      facts: { scheduleTime: oneHeader(headers["x-cloudscheduler-scheduletime"]) },
    }),
  });

/**
 * Data that is no JSON, or nests too deep to be written again, is kept as text. No function accepts text, so
 * it goes to the dead letters.
 */
function jsonOrText(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return bytes.toString();
  }
}
