import type { PubSub, Topic } from "@google-cloud/pubsub";
import type { Config } from "./config.ts";
import { currentContext, withContextMetadata } from "./context.ts";
import { lazy } from "./lazy.ts";
import { inSpan } from "./trace.ts";
import type { SpanAttributes } from "./trace-context.ts";

export interface Publisher {
  /**
   * Publishes one JSON event. Resolves when Pub/Sub has it on disk.
   * @throws a Google client error after PUBLISH_MS_MAX of trying; the event may have been published.
   */
  publish(topic: string, event: object): Promise<void>;
  /** Asks Pub/Sub for a topic. @throws when it does not answer, or does not have it */
  check(topic: string): Promise<void>;
  close(): Promise<void>;
}

/** Events that become ready within this time share one Publish call. */
const BATCH_MS = 2;
const BATCH_MESSAGES = 200;
/**
 * How long a request waits for Pub/Sub. The commit counts and the reconciler publishes what is missing, so a
 * person does not wait longer for the event.
 */
export const PUBLISH_MS_MAX = 5_000;

export function openPublisher(config: Pick<Config, "projectId">): Publisher {
  const topics = new Map<string, Topic>();
  const client = lazy<PubSub>(async () => {
    const { PubSub } = await import("@google-cloud/pubsub");
    return new PubSub({ projectId: config.projectId, ...withContextMetadata });
  });
  const topicFor = (pubsub: PubSub, name: string): Topic => {
    const known = topics.get(name);
    if (known !== undefined) return known;
    const topic = pubsub.topic(name, {
      batching: { maxMilliseconds: BATCH_MS, maxMessages: BATCH_MESSAGES },
      gaxOpts: { timeout: PUBLISH_MS_MAX, retry: { backoffSettings: PUBLISH_BACKOFF } },
    });
    topics.set(name, topic);
    return topic;
  };
  return {
    publish: (name, event) =>
      // Each message has a span, and the call has none, as several messages share it.
      inSpan(`publish ${name}`, "producer", messagingAttributes(name), async () => {
        const context = currentContext();
        const topic = topicFor(await client.get(), name);
        await topic.publishMessage({
          data: Buffer.from(JSON.stringify(event)),
          attributes:
            context === undefined ? {} : { requestId: context.requestId, traceparent: context.traceparent },
        });
      }),
    async check(name) {
      await (await client.get()).topic(name).getMetadata();
    },
    async close() {
      await (await client.made())?.close();
    },
  };
}

const messagingAttributes = (topic: string): SpanAttributes => ({
  "messaging.system": "gcp_pubsub",
  "messaging.operation.name": "publish",
  "messaging.destination.name": topic,
});

const PUBLISH_BACKOFF = {
  initialRetryDelayMillis: 50,
  retryDelayMultiplier: 2,
  maxRetryDelayMillis: 1_000,
  initialRpcTimeoutMillis: 2_000,
  rpcTimeoutMultiplier: 1,
  maxRpcTimeoutMillis: 2_000,
  totalTimeoutMillis: PUBLISH_MS_MAX,
};
