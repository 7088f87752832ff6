import { randomBytes } from "node:crypto";
import type { Delivery } from "../kernel/http-delivery.ts";
import { METHODS, type Task } from "./task.ts";

/** An OAuth access token is opaque to its receiver, and this emulator serves no endpoint to introspect it. */
const accessToken = (): string => `ya29.${randomBytes(48).toString("base64url")}`;

const lastPart = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/**
 * The HTTP request of the task's next attempt; `task.progress` still counts the attempts before it.
 * Headers: cloud.google.com/tasks/docs/creating-http-target-tasks#handler.
 */
export function dispatchRequest(task: Task): Delivery {
  const { request, progress } = task;
  const body: Uint8Array | undefined = request.body?.length > 0 ? request.body : undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries<string>(request.headers ?? {}))
    headers[name.toLowerCase()] = value;
  if (body !== undefined) headers["content-type"] ??= "application/octet-stream";
  headers["user-agent"] = "Google-Cloud-Tasks";
  headers["x-cloudtasks-queuename"] = lastPart(task.queue);
  headers["x-cloudtasks-taskname"] = lastPart(task.name);
  headers["x-cloudtasks-taskretrycount"] = String(progress.dispatchCount);
  headers["x-cloudtasks-taskexecutioncount"] = String(progress.responseCount);
  headers["x-cloudtasks-tasketa"] = (task.scheduleMs / 1000).toFixed(6);
  const previous = progress.lastAttempt;
  if (previous?.httpStatus !== undefined) {
    headers["x-cloudtasks-taskpreviousresponse"] = String(previous.httpStatus);
  }
  if (previous?.reason !== undefined) headers["x-cloudtasks-taskretryreason"] = previous.reason;
  const { oidcToken, oauthToken, url } = request;
  if (oauthToken) headers["authorization"] = `Bearer ${accessToken()}`;
  return {
    url,
    method: METHODS[request.httpMethod as number] ?? "POST",
    headers,
    body,
    deadlineMs: task.deadlineMs,
    identity: oidcToken
      ? { email: oidcToken.serviceAccountEmail, audience: oidcToken.audience || url }
      : undefined,
  };
}
