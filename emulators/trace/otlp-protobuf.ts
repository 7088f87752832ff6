import protobuf from "protobufjs";

/**
 * The messages of opentelemetry.proto.collector.trace.v1 with the fields that are read here; others are
 * skipped, as protobuf has it.
 */
const MESSAGES = protobuf.Root.fromJSON({
  nested: {
    Request: message({ resourceSpans: many("ResourceSpans", 1) }),
    ResourceSpans: message({ resource: one("Resource", 1), scopeSpans: many("ScopeSpans", 2) }),
    Resource: message({ attributes: many("KeyValue", 1) }),
    ScopeSpans: message({ spans: many("Span", 2) }),
    Span: message({
      traceId: one("bytes", 1),
      spanId: one("bytes", 2),
      parentSpanId: one("bytes", 4),
      name: one("string", 5),
      kind: one("int32", 6),
      startTimeUnixNano: one("fixed64", 7),
      endTimeUnixNano: one("fixed64", 8),
      attributes: many("KeyValue", 9),
      status: one("Status", 15),
    }),
    Failure: message({ code: one("int32", 1), message: one("string", 2) }),
    Status: message({ message: one("string", 2), code: one("int32", 3) }),
    KeyValue: message({ key: one("string", 1), value: one("AnyValue", 2) }),
    AnyValue: message({
      stringValue: one("string", 1),
      boolValue: one("bool", 2),
      intValue: one("int64", 3),
      doubleValue: one("double", 4),
      arrayValue: one("ArrayValue", 5),
      kvlistValue: one("KeyValueList", 6),
      bytesValue: one("bytes", 7),
    }),
    ArrayValue: message({ values: many("AnyValue", 1) }),
    KeyValueList: message({ values: many("KeyValue", 1) }),
    Response: message({ partialSuccess: one("PartialSuccess", 1) }),
    PartialSuccess: message({ rejectedSpans: one("int64", 1), errorMessage: one("string", 2) }),
  },
});

function message(fields: Record<string, protobuf.IField>): protobuf.IType {
  return { fields };
}

function one(type: string, id: number): protobuf.IField {
  return { type, id };
}

function many(type: string, id: number): protobuf.IField {
  return { rule: "repeated", type, id };
}

/** A request in protobuf, in the shape that it has in JSON: ids in hexadecimal, 64-bit numbers as text. */
export function decodeProtobuf(body: Buffer): unknown {
  const type = MESSAGES.lookupType("Request");
  const decoded = type.toObject(type.decode(body), { longs: String, bytes: Buffer });
  return JSON.parse(JSON.stringify(decoded, withHexIds));
}

/** Buffers hide behind their own toJSON, so what is replaced is looked up in its holder. */
function withHexIds(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const held = this[key];
  return Buffer.isBuffer(held) ? held.toString(key.endsWith("Id") ? "hex" : "base64") : value;
}

const encode = (name: string, body: object): Uint8Array => {
  const type = MESSAGES.lookupType(name);
  return type.encode(type.fromObject(body)).finish();
};

export const encodeResponse = (response: object): Uint8Array => encode("Response", response);

/** A `google.rpc.Status`. */
export const encodeStatus = (status: object): Uint8Array => encode("Failure", status);
