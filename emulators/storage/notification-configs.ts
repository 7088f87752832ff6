import { accessBucket, type StorageCore } from "./core.ts";
import { type Handler, json, jsonBody, noContent } from "./exchange.ts";
import { invalid, notFound } from "./failure.ts";
import { NOTIFICATION_ATTRIBUTES_MAX, NOTIFICATIONS_MAX } from "./limits.ts";
import type { NotificationResource } from "./resources.ts";
import { notificationView } from "./views.ts";

const EVENTS = ["OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE"];
const TOPIC = /^\/\/pubsub\.googleapis\.com\/projects\/[^/]+\/topics\/[^/]+$/;

/** A bucket's notification configurations. Whether the topic exists shows with the first message. */
export function notificationHandlers(
  core: StorageCore,
): Record<"insert" | "get" | "list" | "delete", Handler> {
  const { state } = core;
  const find = (bucket: string, id: string): NotificationResource => {
    const found = state.notifications(accessBucket(core, bucket).name).find((each) => each.id === id);
    if (found === undefined) throw notFound(`Notification ${id} not found in bucket ${bucket}.`);
    return found;
  };
  return {
    async insert(request, names) {
      const parsed = parse(await jsonBody(request));
      const bucket = names.bucket ?? "";
      const notification = await state.database.write(() => {
        const present = state.notifications(accessBucket(core, bucket).name);
        if (present.length >= NOTIFICATIONS_MAX)
          throw invalid(`A bucket has at most ${NOTIFICATIONS_MAX} notifications.`);
        const id = String(1 + Math.max(0, ...present.map((each) => Number(each.id))));
        const added: NotificationResource = { ...parsed, id, etag: id };
        state.putNotification(bucket, added);
        return added;
      });
      return json(request, notificationView(request, bucket, notification));
    },
    get: (request, names) =>
      json(request, notificationView(request, names.bucket ?? "", find(names.bucket ?? "", names.id ?? ""))),
    list(request, names) {
      const { name } = accessBucket(core, names.bucket ?? "");
      const items = state.notifications(name).map((each) => notificationView(request, name, each));
      return json(request, { kind: "storage#notifications", ...(items.length === 0 ? {} : { items }) });
    },
    async delete(_ask, names) {
      await state.database.write(() => {
        const { id } = find(names.bucket ?? "", names.id ?? "");
        state.removeNotification(names.bucket ?? "", id);
      });
      return noContent();
    },
  };
}

function parse(given: Readonly<Record<string, unknown>>): Omit<NotificationResource, "id" | "etag"> {
  const { topic, event_types: events, object_name_prefix: prefix, custom_attributes: attributes } = given;
  const format = given.payload_format ?? "JSON_API_V1";
  if (typeof topic !== "string" || !TOPIC.test(topic))
    throw invalid(`Invalid Pub/Sub topic: ${String(topic)}`);
  if (format !== "JSON_API_V1" && format !== "NONE")
    throw invalid(`Invalid payload format: ${JSON.stringify(format)}`);
  if (
    events !== undefined &&
    !(Array.isArray(events) && events.every((event) => EVENTS.includes(event as string)))
  ) {
    throw invalid("Invalid event types.");
  }
  if (attributes !== undefined && Object.keys(attributes as object).length > NOTIFICATION_ATTRIBUTES_MAX) {
    throw invalid(`A notification has at most ${NOTIFICATION_ATTRIBUTES_MAX} custom attributes.`);
  }
  return {
    topic,
    payload_format: format,
    ...(Array.isArray(events) && events.length > 0 ? { event_types: events as string[] } : {}),
    ...(typeof prefix === "string" && prefix !== "" ? { object_name_prefix: prefix } : {}),
    ...(attributes === undefined ? {} : { custom_attributes: attributes as Record<string, string> }),
  };
}
