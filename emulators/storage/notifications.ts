import type { Clock } from "../kernel/clock.ts";
import { PUBLISH_PAUSE_MS_MAX, PUBLISH_PAUSE_MS_MIN } from "./limits.ts";
import type { OutboxEntry, StorageState, StoredBucket, StoredObject } from "./state.ts";
import { objectView } from "./views.ts";

export type ObjectEvent = "OBJECT_FINALIZE" | "OBJECT_METADATA_UPDATE" | "OBJECT_DELETE" | "OBJECT_ARCHIVE";

/** A message for Pub/Sub's Publish. */
export interface NotificationMessage {
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Buffer;
}

/** `topic` is the full name, "projects/p/topics/t". */
export type PublishNotification = (topic: string, message: NotificationMessage) => Promise<void>;

/** The generation that took this one's place, or whose place it took. */
export interface Replacement {
  readonly overwroteGeneration?: number | undefined;
  readonly overwrittenByGeneration?: number | undefined;
}

export type Announce = (
  event: ObjectEvent,
  bucket: StoredBucket,
  object: StoredObject,
  replacement?: Replacement,
) => void;

/** The part of a topic's name that Pub/Sub itself knows. */
export const topicOf = (name: string): string => name.replace(/^\/\/pubsub\.googleapis\.com\//, "");

/**
 * Puts the messages about a change into the outbox, in the transaction of the change. Every acknowledged
 * change is therefore announced, also after a crash.
 */
export function createAnnounce(state: StorageState, now: () => number): Announce {
  return (event, bucket, object, { overwroteGeneration, overwrittenByGeneration } = {}) => {
    for (const config of state.notifications(bucket.name)) {
      if (config.event_types !== undefined && !config.event_types.includes(event)) continue;
      if (!object.name.startsWith(config.object_name_prefix ?? "")) continue;
      const withPayload = config.payload_format === "JSON_API_V1";
      const payload = withPayload ? JSON.stringify(objectView(PAYLOAD_REQUEST, bucket.resource, object)) : "";
      state.addToOutbox({
        topic: topicOf(config.topic),
        attributes: {
          ...config.custom_attributes,
          notificationConfig: `projects/_/buckets/${bucket.name}/notificationConfigs/${config.id}`,
          eventType: event,
          payloadFormat: config.payload_format,
          bucketId: bucket.name,
          objectId: object.name,
          objectGeneration: String(object.generation),
          eventTime: new Date(now()).toISOString(),
          ...(overwroteGeneration === undefined ? {} : { overwroteGeneration: String(overwroteGeneration) }),
          ...(overwrittenByGeneration === undefined
            ? {}
            : { overwrittenByGeneration: String(overwrittenByGeneration) }),
        },
        data: Buffer.from(payload),
      });
    }
  };
}

/** Payloads answer no request, so their links name the service itself. */
const PAYLOAD_REQUEST = {
  method: "GET",
  path: "",
  query: new URLSearchParams(),
  headers: {},
  body: (async function* (): AsyncGenerator<Buffer> {})(),
  origin: "https://www.googleapis.com",
};

export interface Outbox {
  /** There may be something to publish; call once it is on disk. */
  wake(): void;
  /** Resolves once all is published that can be at the moment. */
  idle(): Promise<void>;
  close(): void;
}

/** How many messages are under way at once; they leave in the order of the changes. */
const BATCH = 100;

/** Publishes what the outbox holds. A message that is not accepted stays and is tried again. */
export function createOutbox(
  state: StorageState,
  clock: Clock,
  publish: PublishNotification | undefined,
): Outbox {
  let running = false;
  let waiting: (() => void)[] = [];
  let again = false;
  const life = { closed: false };
  let pauseMs = PUBLISH_PAUSE_MS_MIN;
  let cancelPause = (): void => undefined;

  const send = async (entry: OutboxEntry): Promise<boolean> => {
    try {
      await publish?.(entry.topic, { attributes: entry.attributes, data: entry.data });
    } catch (cause) {
      // A topic that has been deleted takes no message any more; its notifications are lost, as in the cloud.
      if ((cause as { code?: unknown }).code !== "NOT_FOUND") return false;
    }
    if (!life.closed) await state.database.write(() => state.removeFromOutbox(entry.id));
    return true;
  };

  const drain = async (): Promise<void> => {
    while (!life.closed) {
      again = false;
      const entries = state.outbox(BATCH);
      if (entries.length === 0) return;
      const sent = await Promise.all(entries.map(send));
      if (sent.includes(false)) {
        cancelPause();
        cancelPause = clock.at(clock.now() + pauseMs, wake);
        pauseMs = Math.min(pauseMs * 2, PUBLISH_PAUSE_MS_MAX);
        again = false;
        return;
      }
      pauseMs = PUBLISH_PAUSE_MS_MIN;
    }
  };

  const wake = (): void => {
    again = true;
    if (running || life.closed || publish === undefined) return;
    running = true;
    void drain()
      // Requests that write report a database that cannot be written; the messages stay in it.
      .catch(() => undefined)
      .finally(() => {
        running = false;
        // A message was added between the last read and this moment.
        if (again) wake();
        if (running) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      });
  };

  return {
    wake,
    idle: () => (running ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    close() {
      life.closed = true;
      cancelPause();
    },
  };
}
