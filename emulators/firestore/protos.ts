import protobuf from "protobufjs";
import { loadProtos } from "../kernel/protos.ts";

/** Types that stay encoded: this emulator reads and writes values by hand, see value.ts. */
const KEPT_ENCODED = new Set(["Value", "ArrayValue"]);

/** Protos as JSON, as far as they are changed here. */
interface Description {
  fields?: Record<string, { type: string; id: number; keyType?: string; rule?: string }>;
  oneofs?: Record<string, { oneof: string[] }>;
  nested?: Record<string, Description>;
}

/** Google's protos with `Write.verify`, which the service knows and the published protos leave out. */
function description(): Description & { v1: Description } {
  const all = loadProtos("@google-cloud/firestore-api").toJSON() as Description;
  const v1 = all.nested?.google?.nested?.firestore?.nested?.v1;
  if (v1 === undefined) throw new Error("The protos of Firestore lack google.firestore.v1.");
  const write = v1.nested?.Write;
  if (write?.fields !== undefined) {
    write.fields.verify = { type: "string", id: 5 };
    write.oneofs?.operation?.oneof.push("verify");
  }
  return { ...all, v1 };
}

/**
 * The protos that the emulator serves, changed where that costs nothing on the wire: values arrive as
 * bytes, and a document's fields as the bytes of the map's entries.
 */
export function loadFirestoreProtos(): protobuf.Root {
  const { v1, ...all } = description();
  keepValuesEncoded(v1);
  return protobuf.Root.fromJSON(all);
}

/** The protos with values as messages, for who has to look inside. */
export function loadReadableProtos(): protobuf.Root {
  const { v1: _, ...all } = description();
  return protobuf.Root.fromJSON(all);
}

function keepValuesEncoded({ fields = {}, nested = {} }: Description): void {
  for (const [name, { type, id, keyType, rule }] of Object.entries(fields)) {
    if (!KEPT_ENCODED.has(type)) continue;
    const repeated = keyType === undefined ? rule : "repeated";
    fields[name] = { type: "bytes", id, ...(repeated === undefined ? {} : { rule: repeated }) };
  }
  for (const inner of Object.values(nested)) keepValuesEncoded(inner);
}
