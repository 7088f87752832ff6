import type {
  Metadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import { paceStream } from "./pace.ts";
import type { Kernel } from "./kernel.ts";
import { type Call, type Message, projectOf, resourceOf, type ServiceSpec } from "./rpc.ts";
import { StatusError, statusName, statusNumber } from "./status-error.ts";
import { type NoReply, withFault } from "./with-fault.ts";

/** One RPC of a service that is served. */
export interface Rpc {
  readonly kernel: Kernel;
  readonly spec: ServiceSpec;
  /** The RPC's name: "Commit". */
  readonly method: string;
  readonly encode: (message: Message) => Buffer;
}

interface AnyServerCall {
  metadata: Metadata;
  cancelled: boolean;
  on(event: "cancelled", listen: () => void): unknown;
}

function describe({ spec, method }: Rpc, stream: AnyServerCall, request: Message): Call {
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
  if (cause instanceof StatusError) {
    const status = { code: statusNumber(cause.code), details: cause.message };
    return cause.trailers === undefined ? status : { ...status, metadata: cause.trailers };
  }
  console.error(cause);
  return { code: statusNumber("INTERNAL"), details: "The emulator failed; its log says how." };
};

const unimplemented = ({ spec, method }: Rpc): StatusError =>
  new StatusError("UNIMPLEMENTED", `${spec.proto}/${method} is not served by this emulator; see its README.`);

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const plannedFailure = (code: string): StatusError => new StatusError(statusName(code), "A planned fault.");

/** Resets the connection's stream without a status, as a broken network does. */
function dropStream(stream: unknown): void {
  const inner = stream as { call?: { stream?: { destroy?(): void } }; emit(event: string): boolean };
  inner.call?.stream?.destroy?.();
}

/** Where a planned fault leaves the caller without an answer; false where there is one to send. */
function isUnanswered(outcome: Message | NoReply, stream: unknown): outcome is NoReply {
  if (outcome === "drop") dropStream(stream);
  return outcome === "hang" || outcome === "drop";
}

export async function serveUnary(
  rpc: Rpc,
  stream: ServerUnaryCall<Message, Message>,
  callback: sendUnaryData<Message>,
): Promise<void> {
  const { kernel, spec, method } = rpc;
  try {
    const call = describe(rpc, stream, stream.request);
    const run = spec.unary?.[method];
    if (run === undefined) throw unimplemented(rpc);
    kernel.meter.rpc(call, `${spec.name}.${method}`);
    const fault = kernel.faults.take(spec.name, method, faultSubject(call, stream.request));
    const answer = await withFault<Message>(fault, {
      work: () => run(stream.request, call),
      failure: plannedFailure,
      pause: delay,
      slow: "after",
      repeatable: true,
    });
    if (!isUnanswered(answer, stream)) callback(null, answer);
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

export async function serveStream(rpc: Rpc, stream: ServerWritableStream<Message, Message>): Promise<void> {
  const { kernel, spec, method, encode } = rpc;
  try {
    const call = describe(rpc, stream, stream.request);
    const run = spec.serverStream?.[method];
    if (run === undefined) throw unimplemented(rpc);
    kernel.meter.rpc(call, `${spec.name}.${method}`);
    const outcome = await withFault(kernel.faults.take(spec.name, method, call.resource), {
      work() {
        const { send, drained } = paceStream(stream);
        return run(stream.request, call, { send: (message) => send(encode(message)), drained });
      },
      failure: plannedFailure,
      pause: delay,
    });
    if (!isUnanswered(outcome, stream)) stream.end();
  } catch (cause) {
    stream.emit("error", asStatus(cause));
  }
}

export function serveDuplex(rpc: Rpc, stream: ServerDuplexStream<Message, Message>): void {
  const { kernel, spec, method, encode } = rpc;
  const run = spec.duplex?.[method];
  if (run === undefined) {
    stream.emit("error", asStatus(unimplemented(rpc)));
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
        const call = describe(rpc, stream, message);
        kernel.meter.rpc(call, `${spec.name}.${method}`);
        const fault = kernel.faults.take(spec.name, method, call.resource);
        if (fault?.kind === "before" || fault?.kind === "after") throw plannedFailure(fault.code);
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
