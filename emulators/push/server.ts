import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/grpc.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { PushFailure, plannedFailure, RequestFailure } from "./failure.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { parseSend, type Send } from "./message.ts";
import { openPushes, type Push, type PushFilter } from "./state.ts";

export type { Push, PushFilter } from "./state.ts";

export interface PushServer {
  readonly listener: RequestListener;
  /** Messages that have been accepted, the newest first. */
  list(filter?: PushFilter): Push[];
  /** The app behind the token has been removed from its device. */
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
      throw new PushFailure("UNREGISTERED", "Requested entity was not found.");
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

  /** Undefined: no answer, ever or any more. */
  const send = async (project: string, request: IncomingMessage): Promise<object | undefined> => {
    const sent = parseSend(await readJson(request));
    const fault = kernel.faults.take("push", "Send", `projects/${project}/tokens/${sent.token}`);
    kernel.meter.rpc({ project, requestId: request.headers["x-request-id"]?.toString() }, "push.Send");
    if (fault?.kind === "drop") request.socket.destroy();
    if (fault?.kind === "drop" || fault?.kind === "hang") return undefined;
    if (fault?.kind === "before") throw plannedFailure(fault.code);
    await pause(kernel, fault);
    if (fault?.kind === "twice") await accept(project, sent);
    const answer = await accept(project, sent);
    if (fault?.kind === "after") throw plannedFailure(fault.code);
    return answer;
  };

  const route = async (request: IncomingMessage): Promise<object | undefined> => {
    const url = URL.parse(`http://push${request.url ?? "/"}`);
    const [, project] = SEND.exec(url?.pathname ?? "") ?? [];
    if (project !== undefined && request.method === "POST") return send(project, request);
    const [, owner, token] = TOKEN.exec(url?.pathname ?? "") ?? [];
    if (owner !== undefined && token !== undefined && request.method === "DELETE") {
      await pushes.unregister(owner, decode(token));
      return {};
    }
    throw new RequestFailure(404, "NOT_FOUND", "The push emulator has no such method.");
  };

  return {
    listener: ownMachineOnly((request, response) => {
      route(request).then(
        (answer) => answer !== undefined && respond(response, 200, answer),
        (cause: unknown) => {
          const failure =
            cause instanceof PushFailure ? cause : new PushFailure("INTERNAL", "The emulator failed.");
          // A sender that hangs up amid its request is no event here.
          if (failure !== cause && request.complete) console.error(cause);
          request.resume();
          respond(response, failure.code, failure.body, failure.headers);
        },
      );
    }),
    list: pushes.list,
    unregister: pushes.unregister,
    close: pushes.close,
  };
}

function respond(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-type": "application/json; charset=UTF-8" });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
  }
  if (bytes > BODY_BYTES_MAX) throw new RequestFailure(413, "INVALID_ARGUMENT", "The request is too large.");
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new RequestFailure(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RequestFailure(400, "INVALID_ARGUMENT", "The path is not well-formed.");
  }
}

async function pause({ clock }: Kernel, fault: Fault | undefined): Promise<void> {
  if (fault?.kind !== "slow") return;
  await new Promise<void>((resolve) => clock.at(clock.now() + fault.ms, resolve));
}
