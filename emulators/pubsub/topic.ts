import type { Message } from "../kernel/rpc.ts";
import { millis } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import * as limits from "./limits.ts";
import { parseName } from "./names.ts";
import { checkEncoding, DELETED_SCHEMA } from "./schema.ts";

export interface Topic {
  /** Not the name: a topic created anew under an old name is another one. */
  readonly id: number;
  readonly name: string;
  readonly project: string;
  /** How long messages stay available for seeks; 0: no longer than a subscription holds them. */
  readonly retentionMs: number;
  /** google.pubsub.v1.Topic. */
  readonly message: Message;
}

const ACTIVE = 1;

const unimplemented = (what: string): StatusError =>
  new StatusError("UNIMPLEMENTED", `${what} is not served.`);

/** Checks a topic as CreateTopic and UpdateTopic receive it. */
export function parseTopic(message: Message): Message {
  parseName("topic", message.name);
  if (message.schemaSettings) parseSchemaSettings(message.schemaSettings);
  if (message.ingestionDataSourceSettings) throw unimplemented("Ingestion from other sources");
  if (message.messageTransforms?.length > 0) throw unimplemented("Transforming messages");
  if (message.kmsKeyName) throw unimplemented("A customer's encryption key");
  checkRetention(millis(message.messageRetentionDuration));
  return { ...message, state: ACTIVE };
}

function parseSchemaSettings({ schema, encoding }: Message): void {
  if (schema !== DELETED_SCHEMA) parseName("schema", schema);
  checkEncoding(encoding);
}

export function checkRetention(retentionMs: number | undefined): void {
  if (retentionMs === undefined) return;
  if (retentionMs < limits.RETENTION_MS_MIN || retentionMs > limits.RETENTION_MS_MAX) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      "message_retention_duration must be from 10 minutes to 31 days.",
    );
  }
}

/** What a mask may name, in the wire's spelling. */
const UPDATABLE = ["labels", "messageStoragePolicy", "messageRetentionDuration", "schemaSettings"];

export const updateTopic = (known: Message, changed: Message, paths: readonly string[]): Message =>
  parseTopic(applyMask(known, changed, paths, UPDATABLE));

/** `known` with the fields of `changed` that the mask names, whatever their spelling. */
export function applyMask(
  known: Message,
  changed: Message,
  paths: readonly string[] | undefined,
  updatable: readonly string[],
): Message {
  if (paths === undefined || paths.length === 0) {
    throw new StatusError("INVALID_ARGUMENT", "The update mask must name at least one field.");
  }
  const merged = { ...known };
  for (const path of paths) {
    const [field = ""] = path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()).split(".");
    if (!updatable.includes(field)) {
      throw new StatusError("INVALID_ARGUMENT", `The update mask names ${path}, which can't be changed.`);
    }
    merged[field] = changed[field];
  }
  return merged;
}
