import type { Database } from "../kernel/database.ts";
import { bytesOf, type NewMessage, type StoredMessage } from "./message.ts";
import { ACKED, BLOCKED, HELD, LEASED, type Registry, WAITING } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/** A message in the hands of a subscriber. */
export interface Delivery {
  readonly message: StoredMessage;
  /** Names this delivery of the message, and no other. */
  readonly lease: number;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
}

/** One row of the table of deliveries. */
export interface DeliveryRow {
  readonly message: number;
  readonly orderingKey: string;
  readonly state: number;
  readonly dueMs: number;
  readonly attempts: number;
  readonly lease: number;
}

export interface LeaseRequest {
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** How many messages may go out in all when followers join the first message of their ordering key. */
  readonly runMessagesMax: number;
}

export interface Depth {
  /** Messages that are not acknowledged, those with subscribers included. */
  readonly backlog: number;
  readonly outstanding: number;
  readonly oldestPublishMs: number | undefined;
}

/**
 * Messages, and what has become of each in each subscription. All of it is synchronous and belongs
 * inside `database.write`, but for the readers at the end.
 *
 * Invariant: of an ordering key, at most the earliest unacknowledged message waits; those behind it
 * are blocked, leased together with it, or held. So that the next message to deliver is always found
 * in the index by due time, however long a key's queue is.
 */
export interface Backlog {
  publish(
    topic: Topic,
    messages: readonly NewMessage[],
    nowMs: number,
  ): { ids: number[]; ready: Subscription[] };
  /** Hands out waiting messages that are due, the longest due first. */
  lease(subscription: Subscription, request: LeaseRequest): Delivery[];
  find(subscription: Subscription, message: number): DeliveryRow | undefined;
  message(id: number): StoredMessage | undefined;
  /** Takes the message out of the backlog, or keeps it for seeks; its key's next message follows. */
  finish(subscription: Subscription, row: DeliveryRow): void;
  /** Acknowledged before an earlier message of its key: waits for that one. */
  mustBeHeld(subscription: Subscription, row: DeliveryRow): boolean;
  hold(subscription: Subscription, row: DeliveryRow): void;
  /**
   * Delays the message until it is due again, and blocks the later ones of its key. Returns the messages
   * taken back from subscribers.
   */
  putBack(subscription: Subscription, row: DeliveryRow, dueMs: number): number[];
  extend(subscription: Subscription, row: DeliveryRow, deadlineMs: number): void;
  /** Leased messages whose deadline has passed. */
  expired(subscription: Subscription, nowMs: number): DeliveryRow[];
  /** When the first of the waiting messages is due. */
  nextDueMs(subscription: Subscription): number | undefined;
  /** When the first of the deadlines passes. */
  nextDeadlineMs(subscription: Subscription): number | undefined;
  depth(subscription: Subscription): Depth;
}

export function createBacklog(database: Database, registry: Registry, newLease: () => number): Backlog {
  const rows = rowStatements(database);
  const publish = publisher(database, registry);
  const { sql } = database;
  const due = sql.prepare(`
    SELECT d.dueMs, d.attempts, m.* FROM deliveries d JOIN messages m ON m.id = d.message
    WHERE d.subscription = ? AND d.state = ${WAITING} AND d.dueMs <= ? ORDER BY d.dueMs, d.message`);
  const followers = sql.prepare(`
    SELECT d.dueMs, d.attempts, m.* FROM deliveries d JOIN messages m ON m.id = d.message
    WHERE d.subscription = ? AND d.orderingKey = ? AND d.orderingKey <> '' AND d.state < ${ACKED}
      AND d.state = ${BLOCKED} AND d.message > ? ORDER BY d.message`);
  const take = sql.prepare(`
    UPDATE deliveries SET state = ${LEASED}, lease = ?, dueMs = ?, attempts = attempts + 1
    WHERE subscription = ? AND message = ?`);

  const collect = (
    found: Iterable<Record<string, unknown>>,
    into: Delivery[],
    room: { messages: number; bytes: number },
    nowMs: number,
  ): void => {
    for (const row of found) {
      // A follower that failed before waits for its backoff, and so do those behind it.
      if ((row["dueMs"] as number) > nowMs) return;
      const message = storedMessage(row);
      const bytes = bytesOf(message);
      if (into.length > 0 && bytes > room.bytes) return;
      into.push({ message, lease: newLease(), attempt: (row["attempts"] as number) + 1 });
      room.messages -= 1;
      room.bytes -= bytes;
      if (room.messages <= 0 || room.bytes <= 0) return;
    }
  };

  const lease = (subscription: Subscription, request: LeaseRequest): Delivery[] => {
    const { nowMs, deadlineMs, messagesMax, bytesMax, runMessagesMax } = request;
    const room = { messages: messagesMax, bytes: bytesMax };
    const heads: Delivery[] = [];
    collect(due.iterate(subscription.id, nowMs), heads, room, nowMs);
    // A key's next run waits for the whole of this one, so a run may be longer than other batches.
    room.messages = runMessagesMax - heads.length;
    const taken = heads.flatMap((head) => {
      const run = [head];
      const key = head.message.orderingKey;
      if (subscription.settings.ordered && key !== "" && room.messages > 0 && room.bytes > 0) {
        collect(followers.iterate(subscription.id, key, head.message.id), run, room, nowMs);
      }
      return run;
    });
    for (const { message, lease: name } of taken) take.run(name, deadlineMs, subscription.id, message.id);
    return taken;
  };

  return { publish, lease, ...rows, ...orderedMoves(database, rows) };
}

type Rows = ReturnType<typeof rowStatements>;

/** Single rows: reading, extending, counting. */
function rowStatements({ sql }: Database) {
  const get = sql.prepare("SELECT * FROM deliveries WHERE subscription = ? AND message = ?");
  const getMessage = sql.prepare("SELECT * FROM messages WHERE id = ?");
  const setState = sql.prepare(`
    UPDATE deliveries SET state = ?, dueMs = ? WHERE subscription = ? AND message = ?`);
  const late = sql.prepare(`
    SELECT * FROM deliveries WHERE subscription = ? AND state = ${LEASED} AND dueMs <= ? ORDER BY message`);
  const next = sql.prepare("SELECT min(dueMs) AS ms FROM deliveries WHERE subscription = ? AND state = ?");
  const count = sql.prepare(`
    SELECT count(*) AS backlog, count(CASE WHEN state = ${LEASED} THEN 1 END) AS outstanding,
      min(message) AS oldest FROM deliveries WHERE subscription = ? AND state < 3`);

  const firstMs = (subscription: Subscription, state: number): number | undefined =>
    (next.get(subscription.id, state)?.["ms"] as number | null) ?? undefined;
  const message = (id: number): StoredMessage | undefined => {
    const row = getMessage.get(id);
    return row && storedMessage(row);
  };

  return {
    message,
    find: (subscription: Subscription, id: number) =>
      get.get(subscription.id, id) as unknown as DeliveryRow | undefined,
    setState(subscription: Subscription, id: number, state: number, dueMs: number) {
      setState.run(state, dueMs, subscription.id, id);
    },
    extend(subscription: Subscription, row: DeliveryRow, deadlineMs: number) {
      setState.run(LEASED, deadlineMs, subscription.id, row.message);
    },
    expired: (subscription: Subscription, nowMs: number) =>
      late.all(subscription.id, nowMs) as unknown as DeliveryRow[],
    nextDueMs: (subscription: Subscription) => firstMs(subscription, WAITING),
    nextDeadlineMs: (subscription: Subscription) => firstMs(subscription, LEASED),
    depth(subscription: Subscription): Depth {
      const row = count.get(subscription.id) as Record<string, number | null>;
      const oldest = row["oldest"];
      return {
        backlog: row["backlog"] ?? 0,
        outstanding: row["outstanding"] ?? 0,
        oldestPublishMs: oldest === null || oldest === undefined ? undefined : message(oldest)?.publishMs,
      };
    },
  };
}

const storedMessage = (row: Record<string, unknown>): StoredMessage => ({
  id: row["id"] as number,
  publishMs: row["publishMs"] as number,
  orderingKey: row["orderingKey"] as string,
  attributes: JSON.parse(row["attributes"] as string) as Record<string, string>,
  data: row["data"] as Uint8Array,
});

/** How a message leaves a subscriber's hands, and what that means for those of the same ordering key. */
function orderedMoves({ sql }: Database, rows: Rows) {
  const remove = sql.prepare("DELETE FROM deliveries WHERE subscription = ? AND message = ?");
  const drop = sql.prepare("DELETE FROM messages WHERE id = ? AND refs <= 1");
  const release = sql.prepare("UPDATE messages SET refs = refs - 1 WHERE id = ?");
  const first = sql.prepare(`
    SELECT * FROM deliveries WHERE subscription = ? AND orderingKey = ? AND orderingKey <> '' AND state < ${ACKED}
    ORDER BY message LIMIT 1`);
  const later = sql.prepare(`
    SELECT message FROM deliveries WHERE subscription = ? AND orderingKey = ? AND orderingKey <> ''
      AND state < ${ACKED} AND message > ? AND state IN (${LEASED}, ${HELD})`);
  // Taken back without having failed, so the attempt doesn't count.
  const takeBack = sql.prepare(`
    UPDATE deliveries SET state = ${BLOCKED}, lease = 0, dueMs = 0, attempts = attempts - 1
    WHERE subscription = ? AND message = ?`);

  const firstOf = (subscription: Subscription, key: string): DeliveryRow | undefined =>
    first.get(subscription.id, key) as unknown as DeliveryRow | undefined;

  const settle = (subscription: Subscription, message: number): void => {
    if (subscription.settings.retainAcked) {
      rows.setState(subscription, message, ACKED, 0);
      return;
    }
    remove.run(subscription.id, message);
    if (drop.run(message).changes === 0) release.run(message);
  };

  return {
    finish(subscription: Subscription, { message, orderingKey }: DeliveryRow) {
      settle(subscription, message);
      if (orderingKey === "") return;
      let next = firstOf(subscription, orderingKey);
      while (next?.state === HELD) {
        settle(subscription, next.message);
        next = firstOf(subscription, orderingKey);
      }
      if (next?.state === BLOCKED) rows.setState(subscription, next.message, WAITING, next.dueMs);
    },
    mustBeHeld: (subscription: Subscription, { message, orderingKey }: DeliveryRow) =>
      orderingKey !== "" && firstOf(subscription, orderingKey)?.message !== message,
    hold(subscription: Subscription, row: DeliveryRow) {
      rows.setState(subscription, row.message, HELD, row.dueMs);
    },
    putBack(subscription: Subscription, { message, orderingKey }: DeliveryRow, dueMs: number) {
      const takenBack = later
        .all(subscription.id, orderingKey, message)
        .map((row) => row["message"] as number);
      for (const id of takenBack) takeBack.run(subscription.id, id);
      const isFirst = orderingKey === "" || firstOf(subscription, orderingKey)?.message === message;
      rows.setState(subscription, message, isFirst ? WAITING : BLOCKED, dueMs);
      return takenBack;
    },
  };
}

/** Stores messages with a delivery for each subscription whose filter they pass. */
function publisher({ sql }: Database, registry: Registry) {
  const insert = sql.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const deliver = sql.prepare(`INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, 0, 0)`);
  const pending = sql.prepare(`
    SELECT 1 FROM deliveries WHERE subscription = ? AND orderingKey = ? AND orderingKey <> '' AND state < ${ACKED}
    LIMIT 1`);
  const snapshotsOf = sql.prepare("SELECT id FROM snapshots WHERE topic = ?");
  const retain = sql.prepare("INSERT INTO snapshotMessages VALUES (?, ?)");
  const last = sql.prepare("SELECT max(id) AS id FROM messages").get()?.["id"] as number | null;
  // Microseconds of the start, so that ids of messages that nobody received aren't given again.
  let nextId = Math.max((last ?? 0) + 1, Date.now() * 1000);

  return (topic: Topic, messages: readonly NewMessage[], nowMs: number) => {
    const attached = registry.attachedTo(topic.id);
    const snapshots = snapshotsOf.all(topic.id).map((row) => row["id"] as number);
    const held = topic.retentionMs > 0 ? 1 : 0;
    const ready = new Set<Subscription>();
    const ids = messages.map(({ data, attributes, orderingKey }) => {
      const id = nextId++;
      const receivers = attached.filter(({ settings }) => settings.matches(attributes));
      const refs = receivers.length + snapshots.length + held;
      if (refs === 0) return id;
      insert.run(id, topic.id, nowMs, orderingKey, JSON.stringify(attributes), data, refs, held);
      for (const snapshot of snapshots) retain.run(snapshot, id);
      for (const subscription of receivers) {
        const key = subscription.settings.ordered ? orderingKey : "";
        const isBehind = key !== "" && pending.get(subscription.id, key) !== undefined;
        deliver.run(subscription.id, id, key, isBehind ? BLOCKED : WAITING, nowMs);
        ready.add(subscription);
      }
      return id;
    });
    return { ids, ready: [...ready] };
  };
}
