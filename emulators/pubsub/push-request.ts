import type { Delivery as HttpDelivery } from "../kernel/http-delivery.ts";
import type { Delivery } from "./backlog.ts";
import type { PushTarget, Subscription } from "./subscription.ts";

/** The request of a push: cloud.google.com/pubsub/docs/push#receive_push and …/docs/payload-unwrapping. */
export function pushRequest(
  subscription: Subscription,
  target: PushTarget,
  delivery: Delivery,
): HttpDelivery {
  const isWrapped = target.wrapping === "wrapped";
  return {
    url: target.endpoint,
    method: "POST",
    headers: {
      ...(target.wrapping === "dataWithMetadata" ? metadataHeaders(subscription, delivery) : {}),
      ...(isWrapped ? { "content-type": "application/json" } : {}),
      accept: "application/json",
      "user-agent": "CloudPubSub-Google",
    },
    body: isWrapped ? wrapped(subscription, delivery) : delivery.message.data,
    deadlineMs: subscription.settings.ackDeadlineMs,
    identity: target.identity,
  };
}

/** The names in both spellings, as the service has them for the sake of older endpoints. */
function wrapped(subscription: Subscription, { message, attempt }: Delivery): Buffer {
  const messageId = String(message.id);
  const publishTime = new Date(message.publishMs).toISOString();
  const body = {
    ...(subscription.settings.deadLetter === undefined ? {} : { deliveryAttempt: attempt }),
    message: {
      ...(Object.keys(message.attributes).length === 0 ? {} : { attributes: message.attributes }),
      ...(message.data.byteLength === 0 ? {} : { data: Buffer.from(message.data).toString("base64") }),
      messageId,
      message_id: messageId,
      ...(message.orderingKey === "" ? {} : { orderingKey: message.orderingKey }),
      publishTime,
      publish_time: publishTime,
    },
    subscription: subscription.name,
  };
  return Buffer.from(JSON.stringify(body));
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function metadataHeaders(subscription: Subscription, { message, attempt }: Delivery): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(message.attributes)) {
    // Attributes that cannot be headers are left out, and so are those that would change how the request is
    // parsed.
    if (!HEADER_NAME.test(key) || !HEADER_VALUE.test(value) || FRAMING_HEADERS.has(key.toLowerCase()))
      continue;
    headers[key.toLowerCase()] = value;
  }
  headers["x-goog-pubsub-subscription-name"] = subscription.name;
  headers["x-goog-pubsub-message-id"] = String(message.id);
  headers["x-goog-pubsub-publish-time"] = new Date(message.publishMs).toISOString();
  if (message.orderingKey !== "" && HEADER_VALUE.test(message.orderingKey)) {
    headers["x-goog-pubsub-ordering-key"] = message.orderingKey;
  }
  if (subscription.settings.deadLetter !== undefined)
    headers["x-goog-pubsub-delivery-attempt"] = String(attempt);
  return headers;
}

const FRAMING_HEADERS = new Set([
  "authorization",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
