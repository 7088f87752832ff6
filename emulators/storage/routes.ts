import { type AclCall, aclHandlers } from "./acl.ts";
import { bucketHandlers, iamHandlers } from "./buckets.ts";
import { copyHandlers } from "./copies.ts";
import type { StorageCore } from "./core.ts";
import { type StorageRequest, type Handler, headerOf, json, jsonBody, type Names } from "./exchange.ts";
import { invalid, notFound, storageError, unimplemented } from "./failure.ts";
import { hmacKeyHandlers } from "./hmac-keys.ts";
import { notificationHandlers } from "./notification-configs.ts";
import { objectHandlers } from "./objects.ts";
import { postForm } from "./post-form.ts";
import { projectNumber } from "./resources.ts";
import type { Sessions } from "./sessions.ts";
import type { Signatures } from "./signature.ts";
import { insertObject } from "./upload.ts";
import { xmlHandlers } from "./xml-api.ts";
import { multipartHandlers } from "./xml-multipart.ts";

/** Which API's words the response uses. */
export type Api = "json" | "xml";

/** The route of a request: its handler, and its name for meters and faults. */
export interface Route {
  /** "objects.get": the name of the method, the same in both APIs where both have it. */
  readonly method: string;
  readonly names: Names;
  readonly handler: Handler;
  /** The XML API's call, which decides who may make it. */
  readonly call: string;
}

interface JsonRoute {
  readonly verb: string;
  readonly pattern: RegExp;
  readonly method: string;
  readonly handler: Handler;
}

/** A path such as "/b/{bucket}/o/{object}" as a pattern; each name is one segment. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}/?$`);

export interface Router {
  /** Throws where nothing is served. */
  find(request: StorageRequest): Route;
}

export function createRouter(core: StorageCore, sessions: Sessions, signatures: Signatures): Router {
  const routes = jsonRoutes(core, sessions);
  const findXml = xmlRoutes(core, sessions, signatures);
  return {
    find(request) {
      const path = jsonPath(request.path);
      if (path === undefined) return findXml(request);
      const isMatch = (route: JsonRoute): boolean => route.pattern.test(path);
      // A HEAD of the JSON API is a GET whose body is dropped.
      const verb = request.method === "HEAD" ? "GET" : request.method;
      const found = routes.find((route) => route.verb === verb && isMatch(route));
      if (found === undefined) {
        if (routes.some(isMatch))
          throw storageError({
            status: 405,
            reason: "methodNotAllowed",
            xmlCode: "MethodNotAllowed",
            message: "Method Not Allowed",
          });
        if (/^\/(b\/[^/]+\/(folders|managedFolders|anywhereCaches|restore|operations))\b/.test(path)) {
          throw unimplemented(`${request.method} ${path} is not served.`);
        }
        throw notFound("Not Found");
      }
      return {
        method: found.method,
        names: decodedNames(found.pattern.exec(path)?.groups ?? {}),
        handler: found.handler,
        call: found.method,
      };
    },
  };
}

/** Which API a path belongs to, also where nothing is served at it. */
export const apiOf = (path: string): Api => (jsonPath(path) === undefined ? "xml" : "json");

/** The JSON API's path without what stands before it; undefined: it is a path of the XML API. */
function jsonPath(path: string): string | undefined {
  const [, upload, rest] = /^\/(upload|resumable\/upload|download)\/storage\/v1(\/.*)$/.exec(path) ?? [];
  if (rest !== undefined) return upload === "download" ? rest : `/upload${rest}`;
  if (path.startsWith("/storage/v1/")) return path.slice("/storage/v1".length);
  return /^\/(b|projects|channels)(\/|$)/.test(path) ? path : undefined;
}

function decodedNames(groups: Readonly<Record<string, string | undefined>>): Names {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? "")]),
    );
  } catch {
    throw invalid("Malformed percent-encoding in the path.");
  }
}

function jsonRoutes(core: StorageCore, sessions: Sessions): JsonRoute[] {
  const bucket = bucketHandlers(core);
  const iam = iamHandlers(core);
  const object = objectHandlers(core);
  const copies = copyHandlers(core);
  const notification = notificationHandlers(core);
  const acl = aclHandlers(core);
  const hmac = hmacKeyHandlers(core);
  const route = (line: string, method: string, handler: Handler): JsonRoute => {
    const [verb = "", path = ""] = line.split(" ");
    return { verb, pattern: patternOf(path), method, handler };
  };
  const insert: Handler = (request, names) => insertObject(core, sessions, request, names);
  return [
    route("GET /b", "buckets.list", bucket.list),
    route("POST /b", "buckets.insert", bucket.insert),
    route("GET /b/{bucket}", "buckets.get", bucket.get),
    route("PATCH /b/{bucket}", "buckets.patch", bucket.patch),
    route("PUT /b/{bucket}", "buckets.update", bucket.update),
    route("DELETE /b/{bucket}", "buckets.delete", bucket.delete),
    route("POST /b/{bucket}/lockRetentionPolicy", "buckets.lockRetentionPolicy", bucket.lockRetentionPolicy),
    route("GET /b/{bucket}/iam", "buckets.getIamPolicy", iam.getIamPolicy),
    route("PUT /b/{bucket}/iam", "buckets.setIamPolicy", iam.setIamPolicy),
    route("GET /b/{bucket}/iam/testPermissions", "buckets.testIamPermissions", iam.testIamPermissions),
    route("GET /b/{bucket}/storageLayout", "buckets.getStorageLayout", iam.getStorageLayout),
    route("GET /b/{bucket}/notificationConfigs", "notifications.list", notification.list),
    route("POST /b/{bucket}/notificationConfigs", "notifications.insert", notification.insert),
    route("GET /b/{bucket}/notificationConfigs/{id}", "notifications.get", notification.get),
    route("DELETE /b/{bucket}/notificationConfigs/{id}", "notifications.delete", notification.delete),
    route("POST /upload/b/{bucket}/o", "objects.insert", insert),
    route("PUT /upload/b/{bucket}/o", "objects.insert", insert),
    route("DELETE /upload/b/{bucket}/o", "objects.insert", insert),
    route("GET /b/{bucket}/o", "objects.list", object.list),
    route("GET /b/{bucket}/o/{object}", "objects.get", object.get),
    route("PATCH /b/{bucket}/o/{object}", "objects.patch", object.patch),
    route("PUT /b/{bucket}/o/{object}", "objects.update", object.update),
    route("DELETE /b/{bucket}/o/{object}", "objects.delete", object.delete),
    route("POST /b/{bucket}/o/{object}/restore", "objects.restore", object.restore),
    route("POST /b/{bucket}/o/{object}/compose", "objects.compose", copies.compose),
    route("POST /b/{bucket}/o/{object}/copyTo/b/{targetBucket}/o/{target}", "objects.copy", copies.copy),
    route(
      "POST /b/{bucket}/o/{object}/rewriteTo/b/{targetBucket}/o/{target}",
      "objects.rewrite",
      copies.rewrite,
    ),
    route("POST /b/{bucket}/o/{object}/moveTo/o/{target}", "objects.move", copies.move),
    ...aclRoutes("/b/{bucket}/acl", "bucketAccessControls", acl.bucketAccessControls),
    ...aclRoutes(
      "/b/{bucket}/defaultObjectAcl",
      "defaultObjectAccessControls",
      acl.defaultObjectAccessControls,
    ),
    ...aclRoutes("/b/{bucket}/o/{object}/acl", "objectAccessControls", acl.objectAccessControls),
    route("POST /b/{bucket}/o/watch", "objects.watchAll", () => {
      throw unimplemented("Channels are not served; use notifications to Pub/Sub.");
    }),
    route("POST /channels/stop", "channels.stop", stopChannel),
    route("POST /projects/{project}/hmacKeys", "hmacKeys.create", hmac.insert),
    route("GET /projects/{project}/hmacKeys", "hmacKeys.list", hmac.list),
    route("GET /projects/{project}/hmacKeys/{accessId}", "hmacKeys.get", hmac.get),
    route("PUT /projects/{project}/hmacKeys/{accessId}", "hmacKeys.update", hmac.update),
    route("DELETE /projects/{project}/hmacKeys/{accessId}", "hmacKeys.delete", hmac.delete),
    route("GET /projects/{project}/serviceAccount", "projects.serviceAccount.get", (request, names) =>
      json(request, {
        kind: "storage#serviceAccount",
        email_address: `service-${projectNumber(names.project ?? "")}@gs-project-accounts.iam.gserviceaccount.com`,
      }),
    ),
  ];
}

/** Channels cannot be created here (objects.watchAll is not served), so no named channel exists. */
const stopChannel: Handler = async (request) => {
  const { id, resourceId } = await jsonBody(request);
  throw notFound(`Channel '${String(id)}' not found for resource '${String(resourceId)}'.`);
};

function aclRoutes(path: string, name: string, handlers: Readonly<Record<AclCall, Handler>>): JsonRoute[] {
  const one = patternOf(`${path}/{entity}`);
  return [
    { verb: "GET", pattern: patternOf(path), method: `${name}.list`, handler: handlers.list },
    { verb: "POST", pattern: patternOf(path), method: `${name}.insert`, handler: handlers.insert },
    { verb: "GET", pattern: one, method: `${name}.get`, handler: handlers.get },
    { verb: "PATCH", pattern: one, method: `${name}.patch`, handler: handlers.patch },
    { verb: "PUT", pattern: one, method: `${name}.update`, handler: handlers.update },
    { verb: "DELETE", pattern: one, method: `${name}.delete`, handler: handlers.delete },
  ];
}

/**
 * Parts of a bucket or object that the XML API names in the query; those without a handler are not served.
 */
const SUBRESOURCES = [
  "acl",
  "billing",
  "cors",
  "defaultObjectAcl",
  "encryption",
  "encryptionConfig",
  "legal-hold",
  "lifecycle",
  "logging",
  "policy",
  "retention",
  "storageClass",
  "tagging",
  "versioning",
  "website",
];

/** Hosts that name a bucket: `{bucket}.storage.googleapis.com`, and the same below localhost. */
const VIRTUAL_HOST = /^(?<bucket>[^:]+)\.(?:storage\.googleapis\.com|storage\.localhost|localhost)(?::\d+)?$/;

function xmlRoutes(
  core: StorageCore,
  sessions: Sessions,
  signatures: Signatures,
): (request: StorageRequest) => Route {
  const objects = xmlHandlers(core, sessions);
  const multipart = multipartHandlers(core);
  const table: Readonly<Record<string, readonly [method: string, handler: Handler]>> = {
    getObject: ["objects.get", objects.getObject],
    putObject: ["objects.insert", objects.putObject],
    deleteObject: ["objects.delete", objects.deleteObject],
    startSession: ["objects.insert", objects.startSession],
    carryOn: ["objects.insert", objects.carryOn],
    list: ["objects.list", objects.list],
    location: ["buckets.get", objects.location],
    initiate: ["multipartUploads.initiate", multipart.initiate],
    uploadPart: ["multipartUploads.uploadPart", multipart.uploadPart],
    complete: ["multipartUploads.complete", multipart.complete],
    abort: ["multipartUploads.abort", multipart.abort],
    listParts: ["multipartUploads.listParts", multipart.listParts],
    listUploads: ["multipartUploads.list", multipart.listUploads],
    postForm: ["objects.insert", (request, names) => postForm(core, signatures, request, names)],
  };
  return (request) => {
    const hosted = VIRTUAL_HOST.exec(headerOf(request, "host") ?? "")?.groups?.bucket;
    const path = hosted === undefined ? request.path : `/${hosted}${request.path}`;
    const [, bucket = "", object] = /^\/([^/]+)(?:\/(.+))?\/?$/s.exec(path) ?? [];
    // Google's client posts forms to an emulator's address itself: the policy names the bucket.
    const isForm =
      bucket === "" &&
      request.method === "POST" &&
      /^multipart\/form-data\b/i.test(headerOf(request, "content-type") ?? "");
    if (bucket === "" && !isForm) throw unimplemented(`${request.method} ${request.path} is not served.`);
    const names = decodedNames(object === undefined ? { bucket } : { bucket, object });
    const call = SUBRESOURCES.some((name) => request.query.has(name))
      ? undefined
      : xmlCall(request, object !== undefined);
    const found = call === undefined ? undefined : table[call];
    if (call === undefined || found === undefined)
      throw unimplemented(`${request.method} ${request.path} is not served.`);
    const [method, handler] = found;
    return { method, names, handler, call };
  };
}

function xmlCall({ method, query }: StorageRequest, isObject: boolean): string | undefined {
  if (!isObject) {
    if (method === "POST") return "postForm";
    if (method !== "GET" && method !== "HEAD") return undefined;
    if (query.has("uploads")) return "listUploads";
    return query.has("location") ? "location" : "list";
  }
  if (query.has("upload_id")) return method === "PUT" || method === "DELETE" ? "carryOn" : undefined;
  switch (method) {
    case "GET":
      return query.has("uploadId") ? "listParts" : "getObject";
    case "HEAD":
      return "getObject";
    case "PUT":
      return query.has("uploadId") ? "uploadPart" : "putObject";
    case "POST":
      if (query.has("uploads")) return "initiate";
      return query.has("uploadId") ? "complete" : "startSession";
    case "DELETE":
      return query.has("uploadId") ? "abort" : "deleteObject";
    default:
      return undefined;
  }
}
