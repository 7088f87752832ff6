import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
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
import type { StatusError } from "../kernel/status-error.ts";
import { pauseOn } from "../kernel/with-fault.ts";
import { type CallBook, type CallsShown, createCalls } from "./calls.ts";
import { complete } from "./complete.ts";
import { errorReply, modelError } from "./failure.ts";
import { BODY_BYTES_MAX, isModelName, MODELS, type ModelName, QUESTION_CHARS_MAX } from "./limits.ts";
import { QUIRK_NAMES, QUIRKS } from "./quirks.ts";
import { noModel, parseCompletionCall } from "./request.ts";
import { createSettings, type ModelSettings, type SettingsBook, type SettingsChange } from "./settings.ts";

export type { CallsShown, RecordedCall } from "./calls.ts";
export type { ModelSettings, SettingsChange } from "./settings.ts";

export interface ModelServer {
  readonly listener: RequestListener;
  /** The settings of the models, and the calls so far. */
  show(): {
    readonly models: Readonly<Record<string, ModelSettings>>;
    /** Those that can be set, each with what it is. */
    readonly quirks: readonly { readonly name: string; readonly title: string }[];
    readonly calls: CallsShown;
  };
  change(change: SettingsChange): void;
  /** As at the start: pace, no faults, no quirks, no calls. */
  reset(): void;
}

/** Parts of OpenAI's API that are not served. They answer 501; paths that OpenAI does not have answer 404. */
const UNSERVED =
  /^\/v1\/(?:responses|completions|embeddings|moderations|audio|images|files|uploads|batches|fine_tuning|vector_stores|assistants|threads|evals|containers|conversations|realtime|videos|chat\/completions\/.+)(?:\/|$)/u;

interface Exchange {
  readonly kernel: Kernel;
  readonly project: string;
  readonly settings: SettingsBook;
  readonly calls: CallBook;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** OpenAI's chat completions, answered by rules. `project` is charged for calls that name none. */
export function openModel(kernel: Kernel, { project }: { readonly project: string }): ModelServer {
  const settings = createSettings();
  const calls = createCalls();
  const serve = serveHttp({
    handle: (request, response) => route({ kernel, project, settings, calls, request, response }),
    render: errorReply,
    internal: () => modelError(500, "The model emulator failed."),
  });
  return {
    listener: ownMachineOnly((request, response) => {
      response.setHeader("x-request-id", `req_${randomUUID().replaceAll("-", "")}`);
      serve(request, response);
    }),
    show: () => ({
      models: Object.fromEntries(Object.keys(MODELS).map((name) => [name, settings.of(name as ModelName)])),
      quirks: QUIRK_NAMES.map((name) => ({ name, title: QUIRKS[name].title })),
      calls: calls.read(),
    }),
    change: settings.change,
    reset() {
      settings.reset();
      calls.reset();
    },
  };
}

async function route(exchange: Exchange): Promise<Reply | NoReply | undefined> {
  const { request } = exchange;
  const [path = "/"] = (request.url ?? "/").split("?");
  requireKey(request);
  if (path === "/v1/chat/completions" && request.method === "POST") return chatCompletion(exchange);
  if (path === "/v1/models" && request.method === "GET") {
    return json({ object: "list", data: Object.keys(MODELS).map(modelObject) });
  }
  const [, name] = /^\/v1\/models\/([^/]+)$/u.exec(path) ?? [];
  if (name !== undefined && request.method === "GET") {
    if (!isModelName(name)) throw noModel(name);
    return json(modelObject(name));
  }
  if (UNSERVED.test(path) || path === "/v1/chat/completions") {
    throw modelError(501, `The model emulator does not serve ${request.method} ${path}.`, {
      code: "not_implemented",
    });
  }
  throw modelError(404, `Invalid URL (${request.method} ${path})`, { code: "unknown_url" });
}

const json = (body: object): Reply => jsonReply(200, body, {}, "application/json");

function requireKey({ headers }: IncomingMessage): void {
  if (/^Bearer\s+\S+$/iu.test(headers.authorization ?? "")) return;
  throw modelError(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
    { code: "invalid_api_key" },
  );
}

const CREATED_SECONDS = 1_735_689_600;
const modelObject = (id: string): object => ({
  id,
  object: "model",
  created: CREATED_SECONDS,
  owned_by: "emulator",
});

const BODY_LIMIT = {
  bytesMax: BODY_BYTES_MAX,
  tooLarge: () => modelError(413, "The request is too large."),
};
const malformed = (): StatusError => modelError(400, "We could not parse the JSON body of your request.");

async function chatCompletion(exchange: Exchange): Promise<NoReply | undefined> {
  const { kernel, project, settings, calls, request, response } = exchange;
  const call = parseCompletionCall(parseJson(await readBody(request, BODY_LIMIT), malformed));
  const question = call.turns.findLast(({ role }) => role === "user")?.content ?? "";
  const origin = {
    project: headerOf(request, "openai-project") || project,
    requestId: headerOf(request, "x-request-id") || undefined,
  };
  kernel.meter.rpc(origin, "model.ChatCompletions");
  kernel.meter.modelCall(origin);
  const id = `chatcmpl-${randomUUID()}`;
  const startedMs = kernel.clock.now();
  const record = calls.begin({
    id,
    model: call.model,
    requestId: origin.requestId,
    question: question.slice(0, QUESTION_CHARS_MAX).toWellFormed(),
    stream: call.stream,
    promptTokens: call.promptTokens,
    startedAt: new Date(startedMs).toISOString(),
  });
  const resource = `projects/${origin.project}/models/${call.model}/questions/${question}`;
  await complete({
    call,
    settings: () => settings.of(call.model),
    fault: kernel.faults.take("model", "ChatCompletions", resource),
    pause: pauseOn(kernel.clock),
    id,
    createdSeconds: Math.floor(startedMs / 1000),
    record,
    response,
  });
  return undefined;
}
