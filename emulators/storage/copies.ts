import { type Conditions, conditionsOf, requireToChange } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { type CustomerKey, customerKeyOf, requireKey } from "./encryption.ts";
import {
  type Reply,
  type StorageRequest,
  flagOf,
  type Handler,
  intOf,
  type JsonObject,
  json,
  jsonBody,
} from "./exchange.ts";
import { conditionNotMet, invalid, noSuchObject } from "./failure.ts";
import { COMPOSE_SOURCES_MAX, REWRITE_BYTES_DEFAULT, REWRITE_BYTES_MIN } from "./limits.ts";
import { parseObjectName } from "./names.ts";
import { storageClassOf } from "./object-fields.ts";
import { receive, withReceived } from "./receive.ts";
import type { ObjectResource } from "./resources.ts";
import type { StoredObject } from "./state.ts";
import { accessObject, type Creation, createVersion, displace } from "./versions.ts";
import { objectView } from "./views.ts";

/** objects.copy, rewrite, moveTo and compose. Copies share the blob of their source: bytes never change. */
export function copyHandlers(core: StorageCore): Record<"copy" | "rewrite" | "move" | "compose", Handler> {
  return {
    async copy(request, names) {
      const order = await copyOrderOf(request, names);
      const object = await copyVersion(core, order, sourceOf(core, order));
      return json(
        request,
        objectView(request, accessBucket(core, order.bucket).resource, object, { key: order.customerKey }),
      );
    },
    rewrite: async (request, names) => rewrite(core, request, await copyOrderOf(request, names)),
    move: (request, names) =>
      move(core, request, {
        bucketName: names.bucket ?? "",
        from: names.object ?? "",
        to: names.target ?? "",
      }),
    compose: (request, names) => compose(core, request, names.bucket ?? "", names.object ?? ""),
  };
}

export interface CopyOrder extends Omit<Creation, "content" | "given"> {
  /** Undefined: the source's metadata. */
  readonly given: JsonObject | undefined;
  readonly source: {
    readonly bucket: string;
    readonly name: string;
    readonly generation: number | undefined;
    readonly conditions: Conditions;
    readonly key: CustomerKey | undefined;
  };
}

async function copyOrderOf(
  request: StorageRequest,
  names: Readonly<Record<string, string>>,
): Promise<CopyOrder> {
  const body = await jsonBody(request);
  const { query } = request;
  return {
    bucket: names.targetBucket ?? "",
    name: parseObjectName(names.target),
    given: Object.keys(body).length === 0 ? undefined : body,
    conditions: conditionsOf(request),
    predefinedAcl: query.get("destinationPredefinedAcl"),
    customerKey: customerKeyOf(request),
    kmsKeyName: query.get("destinationKmsKeyName"),
    source: {
      bucket: names.bucket ?? "",
      name: names.object ?? "",
      generation: intOf(query, "sourceGeneration"),
      conditions: conditionsOf(request, "Source"),
      key: customerKeyOf(request, true),
    },
  };
}

/** The source, if the request may read it. */
function sourceOf(core: StorageCore, { source }: CopyOrder): StoredObject {
  const object = accessObject(core, source.bucket, source.name, { generation: source.generation });
  requireToChange(source.conditions, object);
  // A copy within one key names it only once.
  requireKey(object.resource, object.resource.customerEncryption === undefined ? undefined : source.key);
  return object;
}

/** The metadata that a copy takes over; a storage class alone doesn't replace them. */
function copiedFields(resource: ObjectResource, given: JsonObject | undefined): JsonObject {
  const {
    contentType,
    contentEncoding,
    contentDisposition,
    contentLanguage,
    cacheControl,
    metadata,
    contexts,
    customTime,
  } = resource;
  const kept = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(contentDisposition === undefined ? {} : { contentDisposition }),
    ...(contentLanguage === undefined ? {} : { contentLanguage }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(customTime === undefined ? {} : { customTime }),
    ...(contexts === undefined ? {} : { contexts }),
  };
  if (given === undefined) return kept;
  const { storageClass, ...fields } = given;
  if (Object.keys(fields).length === 0) return { ...kept, storageClass };
  // The content type is what the bytes are, so it stays where nothing else is said.
  return contentType === undefined ? given : { contentType, ...given };
}

export async function copyVersion(
  core: StorageCore,
  order: CopyOrder,
  from: StoredObject,
): Promise<StoredObject> {
  const { object, replaced } = await core.state.database.write(() => {
    const source = core.state.version(from.bucket, from.name, from.generation);
    if (source === undefined) throw noSuchObject(from.bucket, from.name);
    return createVersion(core, {
      ...order,
      given: copiedFields(source.resource, order.given),
      content: { ...contentOf(source), blob: source.blob },
    });
  });
  await core.release(replaced);
  return object;
}

const contentOf = ({ size, resource }: StoredObject) => ({
  size,
  crc32c: resource.crc32c,
  md5Hash: resource.md5Hash,
  componentCount: resource.componentCount,
});

/** The content of a rewrite token: the version, and how far its rewrite has come. */
interface Progress {
  readonly generation: number;
  readonly rewritten: number;
}

/**
 * Between locations or storage classes the service moves bytes, some a call; elsewhere a rewrite ends
 * at once. Here bytes never move, but callers must be able to follow the same steps.
 */
async function rewrite(core: StorageCore, request: StorageRequest, order: CopyOrder): Promise<Reply> {
  const source = sourceOf(core, order);
  const from = accessBucket(core, source.bucket).resource;
  const to = accessBucket(core, order.bucket).resource;
  const token = request.query.get("rewriteToken");
  const before = token === null ? { generation: source.generation, rewritten: 0 } : progressOf(token);
  if (before.generation !== source.generation) throw conditionNotMet();
  const perCall = intOf(request.query, "maxBytesRewrittenPerCall") ?? REWRITE_BYTES_DEFAULT;
  if (perCall < REWRITE_BYTES_MIN || perCall % REWRITE_BYTES_MIN !== 0) {
    throw invalid("maxBytesRewrittenPerCall must be a positive multiple of 1 MiB.");
  }
  const sameClass = source.resource.storageClass === storageClassOf(order.given ?? {}, to);
  const atOnce = from.location === to.location && sameClass;
  const rewritten = atOnce ? source.size : Math.min(source.size, before.rewritten + perCall);
  const sizes = { totalBytesRewritten: String(rewritten), objectSize: String(source.size) };
  if (rewritten < source.size) {
    requireToChange(order.conditions, core.state.live(order.bucket, order.name));
    const rewriteToken = Buffer.from(JSON.stringify({ ...before, rewritten })).toString("base64url");
    return json(request, { kind: "storage#rewriteResponse", ...sizes, done: false, rewriteToken });
  }
  const object = await copyVersion(core, order, source);
  const resource = objectView(request, to, object, { key: order.customerKey });
  return json(request, { kind: "storage#rewriteResponse", ...sizes, done: true, resource });
}

function progressOf(token: string): Progress {
  try {
    const { generation, rewritten } = JSON.parse(Buffer.from(token, "base64url").toString()) as Progress;
    if (Number.isSafeInteger(generation) && Number.isSafeInteger(rewritten)) return { generation, rewritten };
  } catch {
    // Tokens that the emulator has not issued are refused below.
  }
  throw invalid("Invalid rewrite token.");
}

interface ObjectMove {
  readonly bucketName: string;
  readonly from: string;
  readonly to: string;
}

/** objects.move: within a bucket, in one step. */
async function move(
  core: StorageCore,
  request: StorageRequest,
  { bucketName, from, to }: ObjectMove,
): Promise<Reply> {
  const conditions = conditionsOf(request);
  const sourceConditions = conditionsOf(request, "Source");
  parseObjectName(to);
  if (from === to) throw invalid("The source and destination objects must differ.");
  const { object, blobs } = await core.state.database.write(() => {
    const bucket = accessBucket(core, bucketName);
    const source = accessObject(core, bucketName, from, { generation: undefined });
    requireToChange(sourceConditions, source);
    const created = createVersion(core, {
      bucket: bucketName,
      name: to,
      given: copiedFields(source.resource, { storageClass: source.resource.storageClass }),
      content: { ...contentOf(source), blob: source.blob },
      conditions,
    });
    const kept: StoredObject = {
      ...created.object,
      resource: { ...created.object.resource, ...keysOf(source.resource), acl: source.resource.acl },
    };
    core.state.putObject(kept);
    return { object: kept, blobs: [...created.replaced, ...displace(core, bucket, source, undefined)] };
  });
  await core.release(blobs);
  return json(request, objectView(request, accessBucket(core, bucketName).resource, object));
}

const keysOf = ({ customerEncryption, kmsKeyName }: ObjectResource): Partial<ObjectResource> => ({
  ...(customerEncryption === undefined ? {} : { customerEncryption }),
  ...(kmsKeyName === undefined ? {} : { kmsKeyName }),
});

/** objects.compose: the sources' bytes one after the other, as an object of their bucket. */
async function compose(
  core: StorageCore,
  request: StorageRequest,
  bucketName: string,
  name: string,
): Promise<Reply> {
  const body = await jsonBody(request);
  const customerKey = customerKeyOf(request);
  const bucket = accessBucket(core, bucketName);
  const sources = composeSources(core, bucketName, body.sourceObjects);
  for (const { resource } of sources) requireKey(resource, customerKey);
  const order: Omit<Creation, "content"> = {
    bucket: bucketName,
    name: parseObjectName(name),
    given: composedFields((body.destination ?? {}) as JsonObject, sources),
    conditions: conditionsOf(request),
    predefinedAcl: request.query.get("destinationPredefinedAcl"),
    customerKey,
    kmsKeyName: request.query.get("kmsKeyName"),
  };
  requireToChange(order.conditions, core.state.live(bucketName, name));
  const received = await receive(core, bytesOf(core, sources));
  const componentCount = sources.reduce((count, { resource }) => count + (resource.componentCount ?? 1), 0);
  const object = await withReceived(core, received, async ({ blob, size, crc32c }) => {
    const { composed, replaced } = await core.state.database.write(() => {
      const created = createVersion(core, { ...order, content: { blob, size, crc32c, componentCount } });
      const gone =
        flagOf(request.query, "deleteSourceObjects") || body.deleteSourceObjects === true ? sources : [];
      const removed = gone
        .filter(({ name: source }) => source !== name)
        .flatMap((source) => (isLive(core, source) ? displace(core, bucket, source, undefined) : []));
      return { composed: created.object, replaced: [...created.replaced, ...removed] };
    });
    await core.release(replaced);
    return composed;
  });
  return json(request, objectView(request, bucket.resource, object, { key: customerKey }));
}

const isLive = (core: StorageCore, { bucket, name, generation }: StoredObject): boolean =>
  core.state.live(bucket, name)?.generation === generation;

/** The type of the first source describes the whole, unless the caller says otherwise. */
function composedFields(given: JsonObject, [first]: readonly StoredObject[]): JsonObject {
  const contentType = first?.resource.contentType;
  return given.contentType !== undefined || contentType === undefined ? given : { ...given, contentType };
}

function composeSources(core: StorageCore, bucket: string, given: unknown): StoredObject[] {
  if (!Array.isArray(given) || given.length === 0)
    throw invalid("You must provide at least one source component.");
  if (given.length > COMPOSE_SOURCES_MAX) {
    throw invalid(
      `The number of source components provided (${given.length}) exceeds the maximum (${COMPOSE_SOURCES_MAX})`,
    );
  }
  return given.map(
    (source: {
      name?: string;
      generation?: string;
      objectPreconditions?: { ifGenerationMatch?: string };
    }) => {
      const generation = source.generation === undefined ? undefined : Number(source.generation);
      const object = accessObject(core, bucket, source.name ?? "", { generation });
      const match = source.objectPreconditions?.ifGenerationMatch;
      requireToChange(match === undefined ? {} : { ifGenerationMatch: Number(match) }, object);
      return object;
    },
  );
}

async function* bytesOf(core: StorageCore, sources: readonly StoredObject[]): AsyncGenerator<Buffer> {
  for (const { blob, size } of sources)
    yield* (await core.blobs.read(blob, 0, size)) as AsyncIterable<Buffer>;
}
