import type { Fields, Value } from "./value.ts";
import { FIXED64, type WireWriter } from "./wire.ts";

/** Writes a value as an encoded `google.firestore.v1.Value`, without tag and length of its own. */
export function writeValue(writer: WireWriter, value: Value): void {
  switch (value.type) {
    case "null":
      return writer.varintField(11, 0);
    case "boolean":
      return writer.varintField(1, value.value ? 1 : 0);
    case "integer":
      return writer.int64Field(2, value.value);
    case "double":
      writer.tag(3, FIXED64);
      return writer.double(value.value);
    case "timestamp": {
      const start = writer.open(10);
      writeTimestampFields(writer, value.seconds, value.nanos);
      return writer.close(start);
    }
    case "string":
      return writer.bytesField(17, value.utf8);
    case "bytes":
      return writer.bytesField(18, value.bytes);
    case "reference":
      return writer.stringField(5, value.name);
    case "geoPoint": {
      const start = writer.open(8);
      writer.tag(1, FIXED64);
      writer.double(value.latitude);
      writer.tag(2, FIXED64);
      writer.double(value.longitude);
      return writer.close(start);
    }
    case "array": {
      const start = writer.open(9);
      for (const element of value.values) {
        const at = writer.open(1);
        writeValue(writer, element);
        writer.close(at);
      }
      return writer.close(start);
    }
    case "map": {
      const start = writer.open(6);
      writeFields(writer, 1, value.fields);
      return writer.close(start);
    }
  }
}

export function writeTimestampFields(writer: WireWriter, seconds: number, nanos: number): void {
  if (seconds !== 0) writer.int64Field(1, BigInt(seconds));
  if (nanos !== 0) writer.varintField(2, nanos);
}

/** Writes a map's entries in the order of their names, so that equal maps have equal bytes. */
export function writeFields(writer: WireWriter, field: number, fields: Fields): void {
  for (const name of sortedNames(fields)) {
    const start = writer.open(field);
    writer.stringField(1, name);
    const at = writer.open(2);
    writeValue(writer, fields.get(name) as Value);
    writer.close(at);
    writer.close(start);
  }
}

function sortedNames(fields: Fields): Iterable<string> {
  let last = "";
  for (const name of fields.keys()) {
    if (name < last) return [...fields.keys()].sort();
    last = name;
  }
  return fields.keys();
}
