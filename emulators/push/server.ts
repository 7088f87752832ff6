import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Kernel } from "../kernel/kernel.ts";
import {
  headerOf,
  jsonReply,
  type NoReply,
  parseJson,
  readBody,
  type Reply,
  serveHttp,
} from "../kernel/http.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { googleErrorBody, type StatusError } from "../kernel/status-error.ts";
import { pauseOn, withFault } from "../kernel/with-fault.ts";
import { type FcmDetails, plannedFailure, pushError, requestError } from "./failure.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { parseSend, type Send } from "./message.ts";
import { openPushes, type Push, type PushFilter } from "./state.ts";

export type { Push, PushFilter } from "./state.ts";

export interface PushServer {
  readonly listener: RequestListener;
  /** Messages that have been accepted, the newest first. */
  list(filter?: PushFilter): Push[];
  /** Marks the token as one whose app has been removed from its device. */
  unregister(project: string, token: string): Promise<void>;
  close(): void;
}

const SEND = /^\/v1\/projects\/([^/:]+)\/messages:send$/;
const TOKEN = /^\/emulator\/v1\/projects\/([^/:]+)\/tokens\/([^/]+)$/;

/** FCM's HTTP v1 API: keeps messages to devices instead of delivering them. */
export function openPush(kernel: Kernel, { path }: { readonly path: string | undefined }): PushServer {
  const pushes = openPushes(path);

  const accept = async (project: string, { token, message, validateOnly }: Send): Promise<object> => {
    if (pushes.isUnregistered(project, token)) {
      throw pushError("UNREGISTERED", "Requested entity was not found.");
    }
    const name = `projects/${project}/messages/${validateOnly ? "fake_message_id" : randomUUID()}`;
    if (validateOnly) return { name };
    const { data = {}, notification, android, apns } = message;
    await pushes.add(project, {
      name,
      token,
      user: data["user"],
      notification,
      data,
      collapseKey: android?.collapse_key ?? apns?.headers?.["apns-collapse-id"],
      message,
      at: new Date(kernel.clock.now()).toISOString(),
    });
    return { name };
  };

  const send = async (project: string, request: IncomingMessage): Promise<object | NoReply> => {
    const sent = parseSend(parseJson(await readBody(request, BODY_LIMIT), malformed));
    const fault = kernel.faults.take("push", "Send", `projects/${project}/tokens/${sent.token}`);
    kernel.meter.rpc({ project, requestId: headerOf(request, "x-request-id") }, "push.Send");
    return withFault(fault, {
      work: () => accept(project, sent),
      failure: plannedFailure,
      pause: pauseOn(kernel.clock),
      repeatable: true,
    });
  };

  const handle = async (request: IncomingMessage): Promise<Reply | NoReply> => {
    const url = URL.parse(`http://push${request.url ?? "/"}`);
    const [, project] = SEND.exec(url?.pathname ?? "") ?? [];
    if (project !== undefined && request.method === "POST") {
      const sent = await send(project, request);
      return typeof sent === "string" ? sent : jsonReply(200, sent);
    }
    const [, owner, token] = TOKEN.exec(url?.pathname ?? "") ?? [];
    if (owner !== undefined && token !== undefined && request.method === "DELETE") {
      await pushes.unregister(owner, decode(token));
      return jsonReply(200, {});
    }
    throw requestError(404, "NOT_FOUND", "The push emulator has no such method.");
  };

  return {
    listener: ownMachineOnly(
      serveHttp({ handle, render, internal: () => pushError("INTERNAL", "The emulator failed.") }),
    ),
    list: pushes.list,
    unregister: pushes.unregister,
    close: pushes.close,
  };
}

const render = (error: StatusError): Reply =>
  jsonReply(error.httpStatus, googleErrorBody(error, error.words as FcmDetails), error.headers);

const BODY_LIMIT = {
  bytesMax: BODY_BYTES_MAX,
  tooLarge: () => requestError(413, "INVALID_ARGUMENT", "The request is too large."),
};

const malformed = (): StatusError => requestError(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw requestError(400, "INVALID_ARGUMENT", "The path is not well-formed.");
  }
}
