import { conditionsOf, requireToChange } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { customerKeyOf } from "./encryption.ts";
import {
  type Answer,
  type Ask,
  bodyOf,
  headerOf,
  type JsonObject,
  json,
  jsonBody,
  type Names,
  parseJson,
} from "./exchange.ts";
import { invalid } from "./failure.ts";
import { METADATA_PART_BYTES_MAX } from "./limits.ts";
import { boundaryOf, partsOf } from "./multipart.ts";
import { parseObjectName } from "./names.ts";
import { claimsOf, receive, requireClaims, withReceived } from "./receive.ts";
import type { SessionPlan, Sessions } from "./sessions.ts";
import type { StoredObject } from "./state.ts";
import { type Creation, createVersion } from "./versions.ts";
import { objectView } from "./views.ts";

/** objects.insert: the bytes at once, with metadata before them, or in a resumable session. */
export async function insertObject(
  core: StorageCore,
  sessions: Sessions,
  ask: Ask,
  names: Names,
): Promise<Answer> {
  const bucket = names.bucket ?? "";
  const uploadId = ask.query.get("upload_id");
  if (uploadId !== null) return sessions.carryOn(ask, uploadId);
  accessBucket(core, bucket);
  const type = ask.query.get("uploadType") ?? headerOf(ask, "x-goog-upload-protocol");
  switch (type) {
    case "media":
      return insertMedia(core, ask, bucket);
    case "multipart":
      return insertMultipart(core, ask, bucket);
    case "resumable":
      return startSession(core, sessions, ask, bucket);
    default:
      throw invalid(`Invalid upload type: ${String(type)}`);
  }
}

/** What a request says of the object beside its metadata. */
function orderOf(ask: Ask, bucket: string, given: JsonObject): Omit<Creation, "content"> {
  const encoding = ask.query.get("contentEncoding");
  return {
    bucket,
    name: parseObjectName(ask.query.get("name") ?? given.name),
    given: encoding === null ? given : { ...given, contentEncoding: encoding },
    conditions: conditionsOf(ask),
    predefinedAcl: ask.query.get("predefinedAcl"),
    customerKey: customerKeyOf(ask),
    kmsKeyName: ask.query.get("kmsKeyName"),
  };
}

async function insertMedia(core: StorageCore, ask: Ask, bucket: string): Promise<Answer> {
  const contentType = headerOf(ask, "content-type");
  const order = orderOf(ask, bucket, contentType === undefined ? {} : { contentType });
  requireToChange(order.conditions, core.state.live(bucket, order.name));
  return store(core, ask, order, ask.body);
}

async function insertMultipart(core: StorageCore, ask: Ask, bucket: string): Promise<Answer> {
  const parts = partsOf(ask.body, boundaryOf(headerOf(ask, "content-type")));
  const first = await parts.next();
  if (first.done) throw invalid("Malformed multipart body.");
  const metadata = await bodyOf(first.value.content, METADATA_PART_BYTES_MAX, "Metadata part is too large.");
  const given = parseJson(metadata);
  const second = await parts.next();
  if (second.done) throw invalid("Missing end of multipart body.");
  const contentType = given.contentType ?? second.value.headers["content-type"];
  const order = orderOf(ask, bucket, contentType === undefined ? given : { ...given, contentType });
  const answer = await store(core, ask, order, second.value.content);
  await parts.next();
  return answer;
}

async function store(
  core: StorageCore,
  ask: Ask,
  order: Omit<Creation, "content">,
  content: AsyncIterable<Buffer>,
): Promise<Answer> {
  const object = await storeContent(core, ask, order, content);
  const bucket = accessBucket(core, order.bucket);
  return json(ask, objectView(ask, bucket.resource, object, order.customerKey));
}

/** Receives the bytes, checks what is claimed of them, and makes them the object. */
export async function storeContent(
  core: StorageCore,
  ask: Ask,
  order: Omit<Creation, "content">,
  content: AsyncIterable<Buffer>,
): Promise<StoredObject> {
  return withReceived(core, await receive(core, content), async (received) => {
    requireClaims(claimsOf(ask, order.given), received);
    const { object, replaced } = await core.state.database.write(() =>
      createVersion(core, { ...order, content: received }),
    );
    await core.release(replaced);
    return object;
  });
}

async function startSession(
  core: StorageCore,
  sessions: Sessions,
  ask: Ask,
  bucket: string,
): Promise<Answer> {
  const given = await jsonBody(ask);
  const contentType = given.contentType ?? headerOf(ask, "x-upload-content-type");
  const {
    bucket: _,
    name,
    ...order
  } = orderOf(ask, bucket, contentType === undefined ? given : { ...given, contentType });
  requireToChange(order.conditions, core.state.live(bucket, name));
  const length = headerOf(ask, "x-upload-content-length");
  const plan: SessionPlan = {
    ...order,
    api: "json",
    origin: headerOf(ask, "origin"),
    size: length === undefined ? undefined : Number(length),
  };
  const id = await sessions.start(bucket, name, plan);
  const query = new URLSearchParams({ uploadType: "resumable", name, upload_id: id });
  const location = `${ask.origin}/upload/storage/v1/b/${bucket}/o?${query.toString()}`;
  return { status: 200, headers: { location, "x-guploader-uploadid": id } };
}
