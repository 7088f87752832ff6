import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import * as limits from "./limits.ts";

/** A message as its publisher sends it. */
export interface NewMessage {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string;
}

export interface StoredMessage extends NewMessage {
  readonly id: number;
  readonly publishMs: number;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** Checks what Publish receives. Nothing of a request is published unless all of it may be. */
export function parseMessages(messages: readonly Message[] | undefined): NewMessage[] {
  if (messages === undefined || messages.length === 0) throw invalid("The request has no messages.");
  if (messages.length > limits.PUBLISH_MESSAGES_MAX)
    throw invalid("A request publishes at most 1000 messages.");
  const parsed = messages.map(parseMessage);
  const bytes = parsed.reduce((sum, message) => sum + bytesOf(message), 0);
  if (bytes > limits.PUBLISH_BYTES_MAX) throw invalid("The request is larger than 10 MB.");
  if (new Set(parsed.map(({ orderingKey }) => orderingKey)).size > 1) {
    throw invalid("All messages of a request must have the same ordering key.");
  }
  return parsed;
}

function parseMessage(message: Message): NewMessage {
  // Where a message has no data, protobufjs shows an empty array and no bytes.
  const data: Uint8Array = message.data?.length > 0 ? message.data : Buffer.alloc(0);
  const attributes: Record<string, string> = message.attributes ?? {};
  const orderingKey: string = message.orderingKey ?? "";
  const pairs = Object.entries(attributes);
  if (data.byteLength === 0 && pairs.length === 0) throw invalid("A message needs data or an attribute.");
  if (pairs.length > limits.ATTRIBUTES_MAX) throw invalid("A message has at most 100 attributes.");
  for (const [key, value] of pairs) {
    if (key === "" || Buffer.byteLength(key) > limits.ATTRIBUTE_KEY_BYTES_MAX || key.startsWith("goog")) {
      throw invalid(`The attribute's key is empty, too long or reserved: ${key.slice(0, 20)}`);
    }
    if (Buffer.byteLength(value) > limits.ATTRIBUTE_VALUE_BYTES_MAX) {
      throw invalid(`The value of the attribute ${key} is longer than 1024 bytes.`);
    }
  }
  if (Buffer.byteLength(orderingKey) > limits.ORDERING_KEY_BYTES_MAX)
    throw invalid("The ordering key is too long.");
  const parsed = { data, attributes, orderingKey };
  if (bytesOf(parsed) > limits.MESSAGE_BYTES_MAX) throw invalid("The message is larger than 10 MB.");
  return parsed;
}

/** The size that counts against the limits: data, attributes and ordering key. */
export function bytesOf({ data, attributes, orderingKey }: NewMessage): number {
  let bytes = data.byteLength + Buffer.byteLength(orderingKey);
  for (const [key, value] of Object.entries(attributes))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}
