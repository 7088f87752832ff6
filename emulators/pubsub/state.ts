import type { Root } from "protobufjs";
import { type Database, openDatabase } from "../kernel/database.ts";
import type { Message } from "../kernel/rpc.ts";
import { projectOf } from "../kernel/rpc.ts";
import { millis } from "../kernel/proto-time.ts";
import { DELETED_TOPIC } from "./names.ts";
import { type Subscription, settingsOf } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/**
 * Topics and subscriptions, on disk and mirrored in memory because every publish reads them. Changes are made
 * inside `database.write`, whose promise acknowledges them.
 */
export interface Registry {
  topic(name: string): Topic | undefined;
  topics(project: string | undefined): Topic[];
  putTopic(message: Message): Topic;
  /** Its subscriptions stay, without a topic. */
  deleteTopic(topic: Topic): void;
  subscription(name: string): Subscription | undefined;
  subscriptionById(id: number): Subscription | undefined;
  subscriptions(project: string | undefined): Subscription[];
  /** Those that receive what is published to the topic. */
  attachedTo(topicId: number): Subscription[];
  putSubscription(message: Message): Subscription;
  deleteSubscription(subscription: Subscription): void;
}

export interface PubSubState {
  readonly database: Database;
  readonly registry: Registry;
}

/** What becomes of one message in one subscription. */
export const WAITING = 0;
/** Behind an earlier message of its ordering key. */
export const BLOCKED = 1;
/** With a subscriber, until its deadline. */
export const LEASED = 2;
/** Acknowledged, while an earlier message of its ordering key isn't yet. */
export const HELD = 3;
/** Acknowledged and retained for seeks. */
export const ACKED = 4;

/** The deadline of a lease that only its own push ends. It is invalid after a restart. */
export const NO_DEADLINE_MS = 1e15;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, message BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, topic INTEGER NOT NULL, message BLOB NOT NULL
  );
  -- refs counts who still needs the message: its deliveries, its snapshots, and its topic's retention (held).
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, publishMs REAL NOT NULL, orderingKey TEXT NOT NULL,
    attributes TEXT NOT NULL, data BLOB NOT NULL, refs INTEGER NOT NULL, held INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS messagesByTime ON messages (topic, publishMs);
  CREATE INDEX IF NOT EXISTS messagesUnneeded ON messages (id) WHERE refs <= 0;
  -- dueMs: when a waiting message may be delivered, when a leased one's deadline passes.
  CREATE TABLE IF NOT EXISTS deliveries (
    subscription INTEGER NOT NULL, message INTEGER NOT NULL, orderingKey TEXT NOT NULL, state INTEGER NOT NULL,
    dueMs REAL NOT NULL, attempts INTEGER NOT NULL, lease INTEGER NOT NULL,
    PRIMARY KEY (subscription, message)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deliveriesByDue ON deliveries (subscription, state, dueMs, message);
  CREATE INDEX IF NOT EXISTS deliveriesByKey ON deliveries (subscription, orderingKey, message)
    WHERE orderingKey <> '' AND state < ${ACKED};
  CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, topic INTEGER NOT NULL,
    topicName TEXT NOT NULL, expireMs REAL NOT NULL, labels TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS snapshotMessages (
    snapshot INTEGER NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (snapshot, message)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deadLetters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, record TEXT NOT NULL
  );
  -- Pushes that were under way when the process ended are made again.
  UPDATE deliveries SET state = ${WAITING}, dueMs = 0 WHERE state = ${LEASED} AND dueMs >= ${NO_DEADLINE_MS};
`;

/** `path` undefined: state that lives as long as the process. */
export function openPubSubState(path: string | undefined, root: Root): PubSubState {
  let reload = (): void => undefined;
  const database = openDatabase(path, () => reload());
  database.sql.exec(SCHEMA);
  const { registry, load } = createRegistry(database, root);
  reload = load;
  load();
  return { database, registry };
}

function createRegistry({ sql }: Database, root: Root): { registry: Registry; load(): void } {
  const topicType = root.lookupType("google.pubsub.v1.Topic");
  const subscriptionType = root.lookupType("google.pubsub.v1.Subscription");
  const topics = new Map<string, Topic>();
  const subscriptions = new Map<string, Subscription>();
  const byId = new Map<number, Subscription>();
  const byTopic = new Map<number, Set<Subscription>>();

  const upsertTopic = sql.prepare(`
    INSERT INTO topics (name, message) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET message = excluded.message RETURNING id`);
  const removeTopic = sql.prepare("DELETE FROM topics WHERE id = ?");
  const upsertSubscription = sql.prepare(`
    INSERT INTO subscriptions (name, topic, message) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET message = excluded.message RETURNING id`);
  const removeSubscription = sql.prepare("DELETE FROM subscriptions WHERE id = ?");

  const keepTopic = (id: number, bytes: Uint8Array): Topic => {
    const message = topicType.decode(bytes) as Message;
    const retentionMs = millis(message.messageRetentionDuration) ?? 0;
    const topic = { id, name: message.name, project: projectOf(message.name), retentionMs, message };
    topics.set(topic.name, topic);
    return topic;
  };

  const forget = (subscription: Subscription | undefined): void => {
    if (subscription === undefined) return;
    subscriptions.delete(subscription.name);
    byId.delete(subscription.id);
    byTopic.get(subscription.topicId)?.delete(subscription);
  };

  const keepSubscription = (id: number, topicId: number, bytes: Uint8Array): Subscription => {
    const message = subscriptionType.decode(bytes) as Message;
    const { name } = message;
    forget(subscriptions.get(name));
    const subscription = {
      id,
      name,
      project: projectOf(name),
      topicId,
      message,
      settings: settingsOf(message),
    };
    subscriptions.set(name, subscription);
    byId.set(id, subscription);
    if (!message.detached) {
      const attached = byTopic.get(topicId) ?? new Set();
      byTopic.set(topicId, attached.add(subscription));
    }
    return subscription;
  };

  const putSubscription = (message: Message): Subscription => {
    const topicId = subscriptions.get(message.name)?.topicId ?? (topics.get(message.topic) as Topic).id;
    const bytes = subscriptionType.encode(message).finish();
    const row = upsertSubscription.get(message.name, topicId, bytes) as { id: number };
    return keepSubscription(row.id, topicId, bytes);
  };

  const within = <T extends { readonly project: string }>(
    all: Iterable<T>,
    project: string | undefined,
  ): T[] => [...all].filter((each) => project === undefined || each.project === project);

  const registry: Registry = {
    topic: (name) => topics.get(name),
    topics: (project) => within(topics.values(), project),
    putTopic(message) {
      const bytes = topicType.encode(message).finish();
      return keepTopic((upsertTopic.get(message.name, bytes) as { id: number }).id, bytes);
    },
    deleteTopic(topic) {
      removeTopic.run(topic.id);
      topics.delete(topic.name);
      const orphans = [...subscriptions.values()].filter(({ topicId }) => topicId === topic.id);
      for (const subscription of orphans) {
        putSubscription({ ...subscription.message, topic: DELETED_TOPIC });
      }
    },
    subscription: (name) => subscriptions.get(name),
    subscriptionById: (id) => byId.get(id),
    subscriptions: (project) => within(subscriptions.values(), project),
    attachedTo: (topicId) => [...(byTopic.get(topicId) ?? [])],
    putSubscription,
    deleteSubscription(subscription) {
      removeSubscription.run(subscription.id);
      forget(subscription);
    },
  };

  return {
    registry,
    load() {
      for (const map of [topics, subscriptions, byId, byTopic]) map.clear();
      for (const row of sql.prepare("SELECT * FROM topics").all()) {
        keepTopic(row["id"] as number, row["message"] as Uint8Array);
      }
      for (const row of sql.prepare("SELECT * FROM subscriptions").all()) {
        keepSubscription(row["id"] as number, row["topic"] as number, row["message"] as Uint8Array);
      }
    },
  };
}
