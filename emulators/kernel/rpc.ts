import type { Metadata } from "@grpc/grpc-js";
import type protobuf from "protobufjs";
import type { Origin } from "./meter.ts";
import type { StatusError } from "./status-error.ts";

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

export interface DuplexCall extends Call, Outgoing {
  end(): void;
  fail(error: StatusError): void;
  onMessage(listen: (message: Message) => void): void;
  /** The caller finished sending, or is gone. */
  onClose(listen: () => void): void;
}

export type Unary = (request: Message, call: Call) => Message | Promise<Message>;
/** Where the messages of a stream go. */
export interface Outgoing {
  /** Sends a message; false when the reader is slow and the sender should hold back. */
  send(message: Message): boolean;
  /** Resolves once a slow reader has caught up, or is gone. */
  drained(): Promise<void>;
}

export type ServerStream = (request: Message, call: Call, outgoing: Outgoing) => void | Promise<void>;
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

/** The project in a resource name such as `projects/p/topics/t`; "" where there is none. */
export function projectOf(resource: string): string {
  return /^projects\/([^/]+)/.exec(resource)?.[1] ?? "";
}

/** The first of the fields by which Google's requests name what they are about. */
export function resourceOf(request: Message): string {
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
