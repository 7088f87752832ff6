import { randomBytes } from "node:crypto";
import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { parseAvro } from "./avro.ts";
import { AvroError } from "./avro-reader.ts";
import { SCHEMA_BYTES_MAX } from "./limits.ts";
import { ProtoError, parseProto } from "./proto-definition.ts";

/** What a topic's schema becomes once the schema is deleted. */
export const DELETED_SCHEMA = "_deleted-schema_";

/** google.pubsub.v1.Schema.Type. */
const PROTOCOL_BUFFER = 1;
const AVRO = 2;
/** google.pubsub.v1.Encoding. */
const JSON_ENCODING = 1;
const BINARY = 2;

export interface Revision {
  readonly name: string;
  readonly id: string;
  readonly type: number;
  readonly definition: string;
  readonly createMs: number;
}

/** A definition, ready to check messages against. */
export interface Definition {
  checkJson(text: string): void;
  checkBinary(bytes: Uint8Array): void;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** A wrong definition or message is the caller's error, and so is nesting that overflows the stack. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AvroError || cause instanceof ProtoError) throw invalid(cause.message);
    if (cause instanceof RangeError) throw invalid("It is nested too deep.");
    throw cause;
  }
}

/** Checks google.pubsub.v1.Schema's type and definition. */
export function parseDefinition({ type, definition }: Message): Definition {
  if (!definition) throw invalid("A schema needs a definition.");
  if (Buffer.byteLength(definition) > SCHEMA_BYTES_MAX)
    throw invalid("The definition is larger than 300 KB.");
  switch (type) {
    case AVRO:
      return refusing(() => parseAvro(definition));
    case PROTOCOL_BUFFER:
      return refusing(() => parseProto(definition));
    default:
      throw invalid("A schema is of the type AVRO or PROTOCOL_BUFFER.");
  }
}

export function checkEncoding(encoding: unknown): void {
  if (encoding !== JSON_ENCODING && encoding !== BINARY)
    throw invalid("The encoding must be JSON or BINARY.");
}

/** Throws where the message isn't of the schema. */
export function checkMessage(definition: Definition, data: Uint8Array, encoding: number): void {
  checkEncoding(encoding);
  refusing(() =>
    encoding === BINARY ? definition.checkBinary(data) : definition.checkJson(Buffer.from(data).toString()),
  );
}

/**
 * The attributes by which subscribers learn of the schema: cloud.google.com/pubsub/docs/schema-integration.
 */
export const schemaAttributes = ({ name, id }: Revision, encoding: number): Record<string, string> => ({
  googclient_schemaname: name,
  googclient_schemaencoding: encoding === BINARY ? "BINARY" : "JSON",
  googclient_schemarevisionid: id,
});

/** Like the service's: eight hexadecimal digits. */
export const newRevisionId = (): string => randomBytes(4).toString("hex");
