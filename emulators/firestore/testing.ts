import { Firestore, type Settings } from "@google-cloud/firestore";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { type GrpcServer, serveGrpc } from "../kernel/grpc.ts";
import { loadProtos } from "../kernel/protos.ts";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import type { Message } from "../kernel/rpc.ts";
import { type FirestoreEmulator, type FirestoreOptions, openFirestore } from "./server.ts";

export interface RawStream {
  send(request: Message): void;
  /** The next message that arrives; fails when the stream does. */
  next(): Promise<Message>;
  end(): void;
  /** Ends the stream and resolves when the emulator has ended it, too. */
  ended(): Promise<void>;
}

/** An emulator of its own for a test, and clients of it. */
export interface TestFirestore extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly emulator: FirestoreEmulator;
  readonly server: GrpcServer;
  /** A client for a project of its own. */
  client(settings?: Settings): Firestore;
  /**
   * Calls an RPC without the official client, which retries refused queries for seconds and never
   * sends what is malformed. Answers with all messages, in the protos' JSON form.
   */
  call(method: string, request: Message): Promise<Message[]>;
  /** Opens a stream in both directions. */
  open(method: string): RawStream;
  stop(): Promise<void>;
}

export async function startFirestore(options: Partial<FirestoreOptions> = {}): Promise<TestFirestore> {
  // Otherwise each client first looks for Google's metadata server.
  process.env.METADATA_SERVER_DETECTION ??= "none";
  const kernel = createKernel();
  const emulator = openFirestore(kernel, { path: undefined, ...options });
  const server = await serveGrpc(kernel, 0, emulator.services, emulator.http);
  const clients: Firestore[] = [];
  const raw = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await Promise.all(clients.map((client) => client.terminate()));
    raw.close();
    await server.stop();
    emulator.close();
    kernel.clock.stop();
  };
  return {
    kernel,
    emulator,
    server,
    client(settings = {}) {
      const client = new Firestore({
        projectId: `project-${clients.length}`,
        host: `127.0.0.1:${server.port}`,
        ssl: false,
        customHeaders: { Authorization: "Bearer owner" },
        ...settings,
      });
      clients.push(client);
      return client;
    },
    call: (method, request) => rawCall(raw, method, request),
    open: (method) => rawStream(raw, method),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Codec {
  readonly path: string;
  encode(message: Message): Buffer;
  decode(bytes: Buffer): Message;
}

function codecOf(method: string): Codec {
  const service = loadProtos("@google-cloud/firestore-api").lookupService("google.firestore.v1.Firestore");
  const { resolvedRequestType, resolvedResponseType } = (service.methods[method] as Message).resolve();
  return {
    path: `/google.firestore.v1.Firestore/${method}`,
    encode: (message) =>
      Buffer.from(resolvedRequestType.encode(resolvedRequestType.fromObject(message)).finish()),
    decode: (bytes) =>
      resolvedResponseType.toObject(resolvedResponseType.decode(bytes), { longs: String, enums: String }),
  };
}

const codecs = new Map<string, Codec>();

function codec(method: string): Codec {
  const known = codecs.get(method) ?? codecOf(method);
  codecs.set(method, known);
  return known;
}

function rawCall(raw: Client, method: string, request: Message): Promise<Message[]> {
  const { path, encode, decode } = codec(method);
  return new Promise((resolve, reject) => {
    const messages: Message[] = [];
    const stream = raw.makeServerStreamRequest(path, encode, decode, request);
    stream.on("data", (message: Message) => messages.push(message));
    stream.on("end", () => resolve(messages));
    stream.on("error", (error: ServiceError) => reject(error));
  });
}

function rawStream(raw: Client, method: string): RawStream {
  const { path, encode, decode } = codec(method);
  const stream = raw.makeBidiStreamRequest(path, encode, decode);
  const arrived: Message[] = [];
  let failure: Error | undefined;
  let wake = (): void => undefined;
  stream.on("data", (message: Message) => {
    arrived.push(message);
    wake();
  });
  stream.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  return {
    send: (request) => stream.write(request),
    async next() {
      while (arrived.length === 0) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return arrived.shift();
    },
    end: () => stream.end(),
    ended: () =>
      new Promise((resolve) => {
        stream.on("end", resolve);
        stream.end();
      }),
  };
}

/** The name of a client's database: `projects/{project}/databases/{database}`. */
export function databaseOf(client: Firestore): string {
  return (client as unknown as { readonly formattedName: string }).formattedName;
}

export const projectIdOf = (client: Firestore): string => databaseOf(client).split("/")[1] as string;
