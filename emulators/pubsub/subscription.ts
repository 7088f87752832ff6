import type { Message } from "../kernel/rpc.ts";
import type { IdTokenClaims } from "../kernel/http-delivery.ts";
import { millis, protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import { type Matches, parseFilter } from "./filter.ts";
import * as limits from "./limits.ts";
import { DELETED_TOPIC, parseName } from "./names.ts";
import { applyMask, checkRetention } from "./topic.ts";

export interface Subscription {
  readonly id: number;
  readonly name: string;
  readonly project: string;
  readonly topicId: number;
  /** google.pubsub.v1.Subscription. */
  readonly message: Message;
  readonly settings: Settings;
}

/** What delivery needs to know of a subscription. */
export interface Settings {
  readonly matches: Matches;
  readonly ackDeadlineMs: number;
  readonly retentionMs: number;
  readonly retainAcked: boolean;
  readonly ordered: boolean;
  readonly exactlyOnce: boolean;
  /** Undefined: again at once. */
  readonly retry: { readonly minMs: number; readonly maxMs: number } | undefined;
  readonly deadLetter: { readonly topic: string; readonly attemptsMax: number } | undefined;
  /** Undefined: messages wait for a puller. */
  readonly push: PushTarget | undefined;
}

export interface PushTarget {
  readonly endpoint: string;
  readonly identity: IdTokenClaims | undefined;
  readonly wrapping: "wrapped" | "data" | "dataWithMetadata";
}

const ACTIVE = 1;
const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** Checks a subscription as it is received, and fills in the service's defaults. */
export function parseSubscription(message: Message): Message {
  parseName("subscription", message.name);
  if (message.topic !== DELETED_TOPIC) parseName("topic", message.topic);
  for (const field of ["bigqueryConfig", "cloudStorageConfig", "bigtableConfig"]) {
    if (message[field]) throw new StatusError("UNIMPLEMENTED", `A subscription's ${field} is not served.`);
  }
  if (message.messageTransforms?.length > 0) {
    throw new StatusError("UNIMPLEMENTED", "Transforming messages is not served.");
  }
  const parsed = {
    ...message,
    ackDeadlineSeconds: message.ackDeadlineSeconds || limits.ACK_DEADLINE_SECONDS_DEFAULT,
    messageRetentionDuration: message.messageRetentionDuration ?? protoTime(limits.RETENTION_MS_DEFAULT),
    expirationPolicy: message.expirationPolicy ?? { ttl: protoTime(limits.EXPIRATION_MS_DEFAULT) },
    pushConfig: message.pushConfig ?? {},
    state: ACTIVE,
  };
  filterOf(parsed.filter ?? "");
  checkDeadline(parsed.ackDeadlineSeconds);
  checkRetention(millis(parsed.messageRetentionDuration));
  checkExpiration(parsed.expirationPolicy);
  checkPush(parsed);
  if (parsed.retryPolicy) parsed.retryPolicy = parseRetry(parsed.retryPolicy);
  if (parsed.deadLetterPolicy) parsed.deadLetterPolicy = parseDeadLetter(parsed.deadLetterPolicy);
  return parsed;
}

export function checkDeadline(seconds: number): void {
  if (seconds < limits.ACK_DEADLINE_SECONDS_MIN || seconds > limits.ACK_DEADLINE_SECONDS_MAX) {
    throw invalid("Invalid ack deadline given: it must be from 10 to 600 seconds.");
  }
}

function checkExpiration(policy: Message): void {
  const ttlMs = millis(policy.ttl);
  if (ttlMs !== undefined && ttlMs < limits.EXPIRATION_MS_MIN) {
    throw invalid("expiration_policy.ttl must be at least a day.");
  }
}

function checkPush({ pushConfig, enableExactlyOnceDelivery }: Message): void {
  const { pushEndpoint, oidcToken } = pushConfig;
  if (!pushEndpoint) {
    if (oidcToken || pushConfig.noWrapper) throw invalid("A push configuration needs a push_endpoint.");
    return;
  }
  if (!/^https?:\/\//.test(pushEndpoint) || !URL.canParse(pushEndpoint)) {
    throw invalid("Invalid push endpoint given: it must be an HTTP or HTTPS URL.");
  }
  if (oidcToken && !oidcToken.serviceAccountEmail)
    throw invalid("OidcToken.service_account_email is required.");
  if (enableExactlyOnceDelivery) throw invalid("Exactly-once delivery is for pull subscriptions only.");
}

function parseRetry(policy: Message): Message {
  const minMs = millis(policy.minimumBackoff) ?? limits.MIN_BACKOFF_MS_DEFAULT;
  const maxMs = millis(policy.maximumBackoff) ?? limits.MAX_BACKOFF_MS_DEFAULT;
  if (minMs < 0 || maxMs > limits.BACKOFF_MS_MAX || minMs > maxMs) {
    throw invalid("A retry policy's backoffs must be from 0 to 600 seconds, the minimum first.");
  }
  return { minimumBackoff: protoTime(minMs), maximumBackoff: protoTime(maxMs) };
}

function parseDeadLetter(policy: Message): Message {
  const attempts = policy.maxDeliveryAttempts || limits.DELIVERY_ATTEMPTS_DEFAULT;
  if (attempts < limits.DELIVERY_ATTEMPTS_MIN || attempts > limits.DELIVERY_ATTEMPTS_MAX) {
    throw invalid("max_delivery_attempts must be from 5 to 100.");
  }
  return { deadLetterTopic: parseName("topic", policy.deadLetterTopic), maxDeliveryAttempts: attempts };
}

/** What a mask may name, in the wire's spelling; topic, filter and ordering are for life. */
const UPDATABLE = [
  "pushConfig",
  "ackDeadlineSeconds",
  "retainAckedMessages",
  "messageRetentionDuration",
  "labels",
  "expirationPolicy",
  "deadLetterPolicy",
  "retryPolicy",
  "enableExactlyOnceDelivery",
];

export const updateSubscription = (known: Message, changed: Message, paths: readonly string[]): Message =>
  parseSubscription(applyMask(known, changed, paths, UPDATABLE));

export function settingsOf(message: Message): Settings {
  const { retryPolicy, deadLetterPolicy } = message;
  return {
    matches: filterOf(message.filter ?? ""),
    ackDeadlineMs: message.ackDeadlineSeconds * 1000,
    retentionMs: millis(message.messageRetentionDuration) ?? limits.RETENTION_MS_DEFAULT,
    retainAcked: message.retainAckedMessages === true,
    ordered: message.enableMessageOrdering === true,
    exactlyOnce: message.enableExactlyOnceDelivery === true,
    retry: retryPolicy
      ? { minMs: millis(retryPolicy.minimumBackoff) ?? 0, maxMs: millis(retryPolicy.maximumBackoff) ?? 0 }
      : undefined,
    deadLetter: deadLetterPolicy
      ? { topic: deadLetterPolicy.deadLetterTopic, attemptsMax: deadLetterPolicy.maxDeliveryAttempts }
      : undefined,
    push: pushTargetOf(message),
  };
}

function filterOf(filter: string): Matches {
  try {
    return parseFilter(filter);
  } catch (cause) {
    throw invalid(`Invalid filter given: ${(cause as Error).message}`);
  }
}

function pushTargetOf({ pushConfig, detached }: Message): PushTarget | undefined {
  if (!pushConfig?.pushEndpoint || detached) return undefined;
  const { pushEndpoint: endpoint, oidcToken, noWrapper } = pushConfig;
  const wrapping = noWrapper ? (noWrapper.writeMetadata ? "dataWithMetadata" : "data") : "wrapped";
  const identity = oidcToken
    ? { email: oidcToken.serviceAccountEmail, audience: oidcToken.audience || endpoint }
    : undefined;
  return { endpoint, identity, wrapping };
}
