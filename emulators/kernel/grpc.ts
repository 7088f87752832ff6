import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  Client,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { RequestListener } from "./loopback.ts";
import type { Clock } from "./clock.ts";
import type { Fault, Faults } from "./faults.ts";
import type { Meter, Origin } from "./meter.ts";
import { paceStream } from "./pace.ts";
import { RpcError, statusNumber } from "./rpc-error.ts";
import { sharePort } from "./shared-port.ts";

/** One RPC as an emulator sees it. */
export interface Call extends Origin {
  readonly service: string;
  readonly method: string;
  /** The name the request is about: a database, document, topic, queue … "" where it has none. */
  readonly resource: string;
  readonly requestId: string | undefined;
  readonly metadata: Metadata;
  /** Aborted when the caller hangs up or its deadline passes. */
  readonly signal: AbortSignal;
}

/**
 * Messages are protobufjs objects: camelCase fields, int64 as Long, bytes as Buffer. An answer may
 * also be a Buffer that holds the message already encoded.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- the protos are read at run time, so their messages have no static type
export type Message = any;

export interface DuplexCall extends Call {
  /** Sends a message; false when the reader is slow and the sender should hold back. */
  send(message: Message): boolean;
  /** Resolves once a slow reader has caught up, or is gone. */
  drained(): Promise<void>;
  end(): void;
  fail(error: RpcError): void;
  onMessage(listen: (message: Message) => void): void;
  /** The caller finished sending, or is gone. */
  onClose(listen: () => void): void;
}

export type Unary = (request: Message, call: Call) => Message | Promise<Message>;
export type ServerStream = (
  request: Message,
  call: Call,
  send: (message: Message) => boolean,
  /** Resolves once a slow reader has caught up, or is gone. */
  drained: () => Promise<void>,
) => void | Promise<void>;
export type Duplex = (call: DuplexCall) => void;

export interface ServiceSpec {
  /** The short name that meters and faults use: "firestore". */
  readonly name: string;
  /** The full proto name: "google.firestore.v1.Firestore". */
  readonly proto: string;
  readonly root: protobuf.Root;
  /** By RPC name. An RPC that is not here answers UNIMPLEMENTED. */
  readonly unary?: Readonly<Record<string, Unary>>;
  readonly serverStream?: Readonly<Record<string, ServerStream>>;
  readonly duplex?: Readonly<Record<string, Duplex>>;
}

export interface Kernel {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly meter: Meter;
}

export interface GrpcServer {
  readonly port: number;
  readonly server: Server;
  /** Ends open calls and closes the port. */
  stop(): Promise<void>;
}

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const require = createRequire(import.meta.url);

/** Reads the protos that ship inside a Google client package. */
export function loadProtos(packageName: string): protobuf.Root {
  const folder = join(
    require.resolve.paths(packageName)?.find((path) => exists(path, packageName)) ?? "",
    packageName,
  );
  const candidates = ["build/protos/protos.json", "protos/protos.json"];
  for (const candidate of candidates) {
    try {
      return protobuf.Root.fromJSON(JSON.parse(readFileSync(join(folder, candidate), "utf8")));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    }
  }
  throw new Error(`No protos found in ${packageName}.`);
}

function exists(path: string, packageName: string): boolean {
  try {
    readFileSync(join(path, packageName, "package.json"));
    return true;
  } catch {
    return false;
  }
}

/** The project in a resource name such as `projects/p/topics/t`; "" where there is none. */
export function projectOf(resource: string): string {
  return /^projects\/([^/]+)/.exec(resource)?.[1] ?? "";
}

/** The first of the fields by which Google's requests name what they are about. */
function resourceOf(request: Message): string {
  for (const field of [
    "database",
    "parent",
    "name",
    "topic",
    "subscription",
    "snapshot",
    "session",
    "queue",
    "project",
  ]) {
    const value = request?.[field];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value?.name === "string" && value.name !== "") return value.name;
  }
  return "";
}

/** Makes what answers HTTP/1.1 on a port of gRPC; it reaches the services through the client. */
export type HttpBeside = (client: Client) => RequestListener;

/** Serves the given services on one port (0: any free one) of the loopback interface. */
export async function serveGrpc(
  kernel: Kernel,
  port: number,
  specs: readonly ServiceSpec[],
  http?: HttpBeside,
): Promise<GrpcServer> {
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": 1024 * 1024,
  });
  for (const spec of specs) addService(server, kernel, spec);
  if (http !== undefined) return serveWithHttp(port, server, http);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error === null ? resolve(actual) : reject(error),
    );
  });
  return {
    port: bound,
    server,
    stop: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}

async function serveWithHttp(port: number, server: Server, http: HttpBeside): Promise<GrpcServer> {
  let listener: RequestListener | undefined;
  const shared = await sharePort(port, server, (request, response) => listener?.(request, response));
  const client = new Client(`127.0.0.1:${shared.port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  listener = http(client);
  return {
    port: shared.port,
    server,
    async stop() {
      client.close();
      shared.close();
      server.forceShutdown();
    },
  };
}

function addService(server: Server, kernel: Kernel, spec: ServiceSpec): void {
  const service = spec.root.lookupService(spec.proto);
  service.resolveAll();
  const definition: Record<string, object> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of service.methodsArray) {
    const requestType = method.resolvedRequestType as protobuf.Type;
    const responseType = method.resolvedResponseType as protobuf.Type;
    const requestStream = method.requestStream === true;
    const responseStream = method.responseStream === true;
    definition[method.name] = {
      path: `/${spec.proto}/${method.name}`,
      requestStream,
      responseStream,
      requestDeserialize: (bytes: Buffer) => requestType.decode(bytes),
      requestSerialize: (message: Message) => Buffer.from(requestType.encode(message).finish()),
      responseSerialize: (message: Message) => serialized(responseType, message),
      responseDeserialize: (bytes: Buffer) => responseType.decode(bytes),
    };
    const encode = (message: Message): Buffer => serialized(responseType, message);
    implementation[method.name] = handler(kernel, spec, method.name, requestStream, responseStream, encode);
  }
  server.addService(definition as never, implementation);
}

/** An answer may come already encoded: a message that goes to many streams is encoded once. */
function serialized(type: protobuf.Type, message: Message): Buffer {
  if (Buffer.isBuffer(message)) return message;
  return Buffer.from(type.encode(message).finish());
}

function handler(
  kernel: Kernel,
  spec: ServiceSpec,
  method: string,
  requestStream: boolean,
  responseStream: boolean,
  encode: (message: Message) => Buffer,
): UntypedHandleCall {
  if (requestStream) {
    return ((stream: ServerDuplexStream<Message, Message>) =>
      serveDuplex(kernel, spec, method, stream, encode)) as UntypedHandleCall;
  }
  if (responseStream) {
    return ((stream: ServerWritableStream<Message, Message>) => {
      void serveStream(kernel, spec, method, stream, encode);
    }) as UntypedHandleCall;
  }
  return ((call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) => {
    void serveUnary(kernel, spec, method, call, callback);
  }) as UntypedHandleCall;
}

interface AnyServerCall {
  metadata: Metadata;
  cancelled: boolean;
  on(event: "cancelled", listen: () => void): unknown;
}

function describe(spec: ServiceSpec, method: string, stream: AnyServerCall, request: Message): Call {
  let controller: AbortController | undefined;
  const resource = resourceOf(request);
  const requestId = stream.metadata.get("x-request-id")[0]?.toString();
  return {
    service: spec.name,
    method,
    resource,
    project: projectOf(resource),
    requestId,
    metadata: stream.metadata,
    get signal() {
      if (controller === undefined) {
        const created = new AbortController();
        controller = created;
        if (stream.cancelled) created.abort();
        stream.on("cancelled", () => created.abort());
      }
      return controller.signal;
    },
  };
}

const asStatus = (cause: unknown): { code: number; details: string; metadata?: Metadata } => {
  if (cause instanceof RpcError) {
    const status = { code: statusNumber(cause.code), details: cause.message };
    return cause.trailers === undefined ? status : { ...status, metadata: cause.trailers };
  }
  console.error(cause);
  return { code: statusNumber("INTERNAL"), details: "The emulator failed; its log says how." };
};

const unimplemented = (spec: ServiceSpec, method: string): RpcError =>
  new RpcError("UNIMPLEMENTED", `${spec.proto}/${method} is not served by this emulator; see its README.`);

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const faulted = (fault: Fault): RpcError => new RpcError(fault.code as RpcError["code"], "A planned fault.");

/** Resets the connection's stream without a status, as a broken network does. */
function dropStream(stream: unknown): void {
  const inner = stream as { call?: { stream?: { destroy?(): void } }; emit(event: string): boolean };
  inner.call?.stream?.destroy?.();
}

async function serveUnary(
  kernel: Kernel,
  spec: ServiceSpec,
  method: string,
  stream: ServerUnaryCall<Message, Message>,
  callback: sendUnaryData<Message>,
): Promise<void> {
  try {
    const call = describe(spec, method, stream, stream.request);
    const run = spec.unary?.[method];
    if (run === undefined) throw unimplemented(spec, method);
    kernel.meter.rpc(call, `${spec.name}.${method}`);
    const fault = kernel.faults.take(spec.name, method, faultSubject(call, stream.request));
    if (fault?.kind === "before") throw faulted(fault);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "drop") return dropStream(stream);
    if (fault?.kind === "twice") await Promise.resolve(run(stream.request, call)).catch(() => undefined);
    const answer = await run(stream.request, call);
    if (fault?.kind === "slow") await delay(fault.ms);
    if (fault?.kind === "after") throw faulted(fault);
    callback(null, answer);
  } catch (cause) {
    callback(asStatus(cause));
  }
}

/** What a plan's `match` is compared with: the resource, and for commits the documents written. */
function faultSubject(call: Call, request: Message): string {
  if (!Array.isArray(request?.writes)) return call.resource;
  const written = request.writes.map((write: Message) => write.update?.name ?? write.delete ?? "");
  return [call.resource, ...written].join(" ");
}

async function serveStream(
  kernel: Kernel,
  spec: ServiceSpec,
  method: string,
  stream: ServerWritableStream<Message, Message>,
  encode: (message: Message) => Buffer,
): Promise<void> {
  try {
    const call = describe(spec, method, stream, stream.request);
    const run = spec.serverStream?.[method];
    if (run === undefined) throw unimplemented(spec, method);
    kernel.meter.rpc(call, `${spec.name}.${method}`);
    const fault = kernel.faults.take(spec.name, method, call.resource);
    if (fault?.kind === "before") throw faulted(fault);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "drop") return dropStream(stream);
    if (fault?.kind === "slow") await delay(fault.ms);
    const { send, drained } = paceStream(stream);
    await run(stream.request, call, (message) => send(encode(message)), drained);
    if (fault?.kind === "after") throw faulted(fault);
    stream.end();
  } catch (cause) {
    stream.emit("error", asStatus(cause));
  }
}

function serveDuplex(
  kernel: Kernel,
  spec: ServiceSpec,
  method: string,
  stream: ServerDuplexStream<Message, Message>,
  encode: (message: Message) => Buffer,
): void {
  const run = spec.duplex?.[method];
  if (run === undefined) {
    stream.emit("error", asStatus(unimplemented(spec, method)));
    return;
  }
  let started = false;
  let listen: (message: Message) => void = () => undefined;
  const closers: (() => void)[] = [];
  const close = (): void => {
    for (const closer of closers.splice(0)) closer();
  };
  // The resource stands in the first message, so the call is described when that arrives.
  stream.on("data", (message: Message) => {
    try {
      if (!started) {
        started = true;
        const call = describe(spec, method, stream, message);
        kernel.meter.rpc(call, `${spec.name}.${method}`);
        const fault = kernel.faults.take(spec.name, method, call.resource);
        if (fault?.kind === "before" || fault?.kind === "after") throw faulted(fault);
        if (fault?.kind === "hang") return;
        if (fault?.kind === "drop") return dropStream(stream);
        const { send, drained } = paceStream(stream);
        run({
          ...call,
          signal: call.signal,
          send: (answer) => send(encode(answer)),
          drained,
          end: () => stream.end(),
          fail: (error) => stream.emit("error", asStatus(error)),
          onMessage: (next) => {
            listen = next;
          },
          onClose: (closer) => closers.push(closer),
        });
      }
      listen(message);
    } catch (cause) {
      close();
      stream.emit("error", asStatus(cause));
    }
  });
  stream.on("end", () => {
    close();
    stream.end();
  });
  stream.on("cancelled", close);
  stream.on("error", close);
}
