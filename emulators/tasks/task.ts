import { randomBytes } from "node:crypto";
import type { Type } from "protobufjs";
import type { Message } from "../kernel/rpc.ts";
import { millis, protoTime } from "../kernel/proto-time.ts";
import { StatusError, statusNumber } from "../kernel/status-error.ts";
import * as limits from "./limits.ts";
import { parseName } from "./queue.ts";

export interface Attempt {
  readonly scheduleMs: number;
  readonly dispatchMs: number;
  /** Absent while the attempt runs, and where nobody answered. */
  readonly responseMs?: number;
  readonly httpStatus?: number;
  /** How it failed: the name of a gRPC status. */
  readonly code?: string;
  readonly reason?: string;
}

/** What changes with each attempt. */
export interface Progress {
  readonly dispatchCount: number;
  readonly responseCount: number;
  readonly firstDispatchMs?: number;
  readonly lastAttempt?: Attempt;
}

export interface Task {
  readonly name: string;
  readonly queue: string;
  /** Named by the caller: the name stays taken for a while after the task's end. */
  readonly named: boolean;
  readonly createMs: number;
  readonly scheduleMs: number;
  readonly deadlineMs: number;
  /** google.cloud.tasks.v2.HttpRequest. */
  readonly request: Message;
  readonly progress: Progress;
}

/** google.cloud.tasks.v2.HttpMethod by number. */
export const METHODS = ["POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] as const;
const POST = 1;
const PUT = 4;
const PATCH = 6;
/** google.cloud.tasks.v2.Task.View. */
export const FULL_VIEW = 2;
const BASIC_VIEW = 1;

/** Headers that a task can't have: HttpRequest.headers in the protos. */
const RESERVED_HEADERS = /^(host|content-length|x-google-.*|x-appengine-.*|x-cloudtasks-.*)$/i;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** Checks a task as CreateTask receives it. */
export function parseTask(httpRequestType: Type, queue: string, task: Message, nowMs: number): Task {
  if (task?.appEngineHttpRequest) throw new StatusError("UNIMPLEMENTED", "App Engine tasks are not served.");
  if (!task?.httpRequest) throw invalid("Task.http_request is required.");
  const named = Boolean(task.name);
  const name = named ? parseName("task", task.name) : `${queue}/tasks/${randomBytes(8).readBigUInt64BE()}`;
  if (!name.startsWith(`${queue}/tasks/`)) throw invalid("The task's name is not below its queue.");
  const scheduleMs = Math.max(millis(task.scheduleTime) ?? nowMs, nowMs);
  if (scheduleMs > nowMs + limits.SCHEDULE_AHEAD_MS_MAX)
    throw invalid("Task.schedule_time is too far ahead.");
  const deadlineMs = millis(task.dispatchDeadline) ?? limits.DEADLINE_MS_DEFAULT;
  if (deadlineMs < limits.DEADLINE_MS_MIN || deadlineMs > limits.DEADLINE_MS_MAX) {
    throw invalid("Task.dispatch_deadline must be between 15 seconds and 30 minutes.");
  }
  const request = parseHttpRequest(task.httpRequest);
  if (httpRequestType.encode(request).finish().byteLength > limits.TASK_BYTES_MAX) {
    throw invalid("The task is larger than 1 MB.");
  }
  const progress = { dispatchCount: 0, responseCount: 0 };
  return { name, queue, named, createMs: nowMs, scheduleMs, deadlineMs, request, progress };
}

function parseHttpRequest(request: Message): Message {
  for (const token of ["oidcToken", "oauthToken"] as const) {
    if (request[token] && !request[token].serviceAccountEmail)
      throw invalid(`HttpRequest.${token} needs a service_account_email.`);
  }
  if (!isHttpUrl(request.url)) throw invalid("HttpRequest.url must be an absolute HTTP or HTTPS URL.");
  const method = request.httpMethod || POST;
  if (METHODS[method] === undefined) throw invalid("HttpRequest.http_method is unknown.");
  if (request.body?.length > 0 && method !== POST && method !== PUT && method !== PATCH) {
    throw invalid("Only POST, PUT and PATCH tasks have a body.");
  }
  for (const [header, value] of Object.entries<string>(request.headers ?? {})) {
    if (RESERVED_HEADERS.test(header)) throw invalid(`The header ${header} can't be set.`);
    if (!HEADER_NAME.test(header) || /[\r\n\0]/.test(value)) throw invalid("A header is malformed.");
  }
  request.httpMethod = method;
  return request;
}

const isHttpUrl = (url: string): boolean =>
  url.length <= limits.URL_CHARS_MAX && /^https?:\/\//.test(url) && URL.canParse(url);

/** The task as google.cloud.tasks.v2.Task. */
export function taskMessage(task: Task, view: number): Message {
  const { progress, request } = task;
  const full = view === FULL_VIEW;
  return {
    name: task.name,
    httpRequest: full ? request : { ...request, body: undefined },
    scheduleTime: protoTime(task.scheduleMs),
    createTime: protoTime(Math.floor(task.createMs / 1000) * 1000),
    dispatchDeadline: protoTime(task.deadlineMs),
    dispatchCount: progress.dispatchCount,
    responseCount: progress.responseCount,
    firstAttempt:
      progress.firstDispatchMs === undefined
        ? undefined
        : { dispatchTime: protoTime(progress.firstDispatchMs) },
    lastAttempt: progress.lastAttempt === undefined ? undefined : attemptMessage(progress.lastAttempt),
    view: full ? FULL_VIEW : BASIC_VIEW,
  };
}

const attemptMessage = (attempt: Attempt): Message => ({
  scheduleTime: protoTime(attempt.scheduleMs),
  dispatchTime: protoTime(attempt.dispatchMs),
  responseTime: attempt.responseMs === undefined ? undefined : protoTime(attempt.responseMs),
  responseStatus:
    attempt.code === undefined
      ? undefined
      : { code: statusNumber(attempt.code), message: attempt.reason ?? "" },
});
