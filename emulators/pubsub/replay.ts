import type { Database } from "../kernel/database.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { Backlog } from "./backlog.ts";
import * as limits from "./limits.ts";
import { type Snapshot, snapshotStatements } from "./snapshots.ts";
import { ACKED, BLOCKED, type Registry, WAITING } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/**
 * What happens to a backlog as a whole: snapshots, seeks, retention, deletion. Synchronous, for use
 * inside `database.write`; whoever seeks tells the deliverers afterwards.
 */
export interface Replay {
  createSnapshot(
    name: string,
    subscription: Subscription,
    labels: Record<string, string>,
    nowMs: number,
  ): Snapshot;
  snapshot(name: string): Snapshot | undefined;
  /** In the order of names. */
  snapshots(project: string): Snapshot[];
  snapshotsOf(topic: Topic): Snapshot[];
  updateSnapshot(snapshot: Snapshot): void;
  deleteSnapshot(snapshot: Snapshot): void;
  /** What was published before the time counts as acknowledged, the rest as not. */
  seekToTime(subscription: Subscription, timeMs: number, nowMs: number): void;
  /** What was unacknowledged then, and all that came since, is unacknowledged; the rest is not. */
  seekToSnapshot(subscription: Subscription, snapshot: Snapshot, nowMs: number): void;
  /** Drops the subscription's whole backlog. */
  clear(subscription: Subscription): void;
  /** Ends a topic's own hold on its messages. */
  releaseTopic(topic: Topic, beforeMs: number): void;
  /** Applies the retention of topics and subscriptions and the expiry of snapshots. */
  sweep(nowMs: number): void;
}

export function createReplay(database: Database, registry: Registry, backlog: Backlog): Replay {
  const bulk = bulkStatements(database);
  const snapshots = snapshotStatements(database, bulk.dropUnneeded);

  return {
    ...snapshots,
    createSnapshot(name, subscription, labels, nowMs) {
      const oldestMs = backlog.depth(subscription).oldestPublishMs ?? nowMs;
      const expireMs = oldestMs + limits.SNAPSHOT_MS_MAX;
      if (expireMs - nowMs < limits.SNAPSHOT_MS_MIN) {
        throw new StatusError(
          "FAILED_PRECONDITION",
          "The backlog is too old: the snapshot would expire within an hour.",
        );
      }
      return snapshots.add({ name, topicId: subscription.topicId, subscription, expireMs, labels });
    },
    seekToTime(subscription, timeMs, nowMs) {
      bulk.restore(subscription, bulk.retainedSince(subscription.topicId, timeMs), nowMs);
      bulk.acknowledgeBefore(subscription, timeMs);
      bulk.unacknowledgeSince(subscription, timeMs, nowMs);
      bulk.orderAnew(subscription);
    },
    seekToSnapshot(subscription, snapshot, nowMs) {
      bulk.restore(subscription, bulk.capturedBy(snapshot.id), nowMs);
      bulk.acknowledgeOutside(subscription, snapshot.id);
      bulk.unacknowledgeWithin(subscription, snapshot.id, nowMs);
      bulk.orderAnew(subscription);
    },
    clear: bulk.clear,
    releaseTopic: (topic, beforeMs) => bulk.releaseTopic(topic.id, beforeMs),
    sweep(nowMs) {
      for (const subscription of registry.subscriptions(undefined)) {
        bulk.expire(subscription, nowMs - subscription.settings.retentionMs);
        if (subscription.settings.ordered) bulk.orderAnew(subscription);
      }
      for (const topic of registry.topics(undefined)) bulk.releaseTopic(topic.id, nowMs - topic.retentionMs);
      for (const snapshot of snapshots.expired(nowMs)) snapshots.deleteSnapshot(snapshot);
    },
  };
}

function bulkStatements({ sql }: Database) {
  const before = "message IN (SELECT id FROM messages WHERE topic = ?2 AND publishMs < ?3)";
  const since = "message IN (SELECT id FROM messages WHERE topic = ?2 AND publishMs >= ?3)";
  const within = "message IN (SELECT message FROM snapshotMessages WHERE snapshot = ?2)";

  /** Two statements: the dropped deliveries first release their messages and are then deleted. */
  const dropping = (condition: string) => {
    const release = sql.prepare(`
      UPDATE messages SET refs = refs - 1
      WHERE id IN (SELECT message FROM deliveries WHERE subscription = ?1 AND ${condition})`);
    const remove = sql.prepare(`DELETE FROM deliveries WHERE subscription = ?1 AND ${condition}`);
    return (...parameters: number[]): void => {
      release.run(...parameters);
      remove.run(...parameters);
      unneeded.run();
    };
  };
  const unneeded = sql.prepare("DELETE FROM messages WHERE refs <= 0");
  const acknowledging = (condition: string) => {
    const drop = dropping(condition);
    const keep = sql.prepare(
      `UPDATE deliveries SET state = ${ACKED}, lease = 0 WHERE subscription = ?1 AND ${condition}`,
    );
    return (subscription: Subscription, ...parameters: number[]): void => {
      if (subscription.settings.retainAcked) keep.run(subscription.id, ...parameters);
      else drop(subscription.id, ...parameters);
    };
  };
  const unacknowledging = (condition: string, dueParameter: string) =>
    sql.prepare(`
      UPDATE deliveries SET state = ${WAITING}, lease = 0, attempts = 0, dueMs = ${dueParameter}
      WHERE subscription = ?1 AND ${condition}`);

  const acknowledgeBefore = acknowledging(before);
  const acknowledgeOutside = acknowledging(`NOT ${within}`);
  const unacknowledgeSince = unacknowledging(since, "?4");
  const unacknowledgeWithin = unacknowledging(within, "?3");
  const dropBefore = dropping(before);
  const dropAll = dropping("true");
  const hasEarlier = `EXISTS (
    SELECT 1 FROM deliveries e WHERE e.subscription = d.subscription AND e.orderingKey = d.orderingKey
      AND e.orderingKey <> '' AND e.state < ${ACKED} AND e.message < d.message)`;
  const block = sql.prepare(`
    UPDATE deliveries AS d SET state = ${BLOCKED}
    WHERE subscription = ? AND orderingKey <> '' AND state = ${WAITING} AND ${hasEarlier}`);
  const unblock = sql.prepare(`
    UPDATE deliveries AS d SET state = ${WAITING}
    WHERE subscription = ? AND orderingKey <> '' AND state = ${BLOCKED} AND NOT ${hasEarlier}`);
  const retained = sql.prepare("SELECT * FROM messages WHERE topic = ? AND publishMs >= ? AND held = 1");
  const captured = sql.prepare(`
    SELECT m.* FROM snapshotMessages s JOIN messages m ON m.id = s.message WHERE s.snapshot = ?`);
  const deliver = sql.prepare("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?, ?, 0, 0)");
  const retain = sql.prepare("UPDATE messages SET refs = refs + 1 WHERE id = ?");
  const unhold = sql.prepare(`
    UPDATE messages SET held = 0, refs = refs - 1 WHERE topic = ? AND publishMs < ? AND held = 1`);

  type MessageRow = { id: number; orderingKey: string; attributes: string };
  return {
    dropUnneeded: () => unneeded.run(),
    retainedSince: (topicId: number, timeMs: number) =>
      retained.all(topicId, timeMs) as unknown as MessageRow[],
    capturedBy: (snapshotId: number) => captured.all(snapshotId) as unknown as MessageRow[],
    /** Restores messages that the subscription has released and another holder has retained. */
    restore({ id, settings }: Subscription, messages: readonly MessageRow[], nowMs: number) {
      for (const message of messages) {
        if (!settings.matches(JSON.parse(message.attributes) as Record<string, string>)) continue;
        const key = settings.ordered ? message.orderingKey : "";
        if (deliver.run(id, message.id, key, ACKED, nowMs).changes > 0) retain.run(message.id);
      }
    },
    acknowledgeBefore: (subscription: Subscription, timeMs: number) =>
      acknowledgeBefore(subscription, subscription.topicId, timeMs),
    acknowledgeOutside: (subscription: Subscription, snapshotId: number) =>
      acknowledgeOutside(subscription, snapshotId),
    unacknowledgeSince({ id, topicId }: Subscription, timeMs: number, nowMs: number) {
      unacknowledgeSince.run(id, topicId, timeMs, nowMs);
    },
    unacknowledgeWithin({ id }: Subscription, snapshotId: number, nowMs: number) {
      unacknowledgeWithin.run(id, snapshotId, nowMs);
    },
    /** Afterwards of each ordering key only the first unacknowledged message waits. */
    orderAnew({ id }: Subscription) {
      block.run(id);
      unblock.run(id);
    },
    expire(subscription: Subscription, beforeMs: number) {
      dropBefore(subscription.id, subscription.topicId, beforeMs);
    },
    clear(subscription: Subscription) {
      dropAll(subscription.id);
    },
    releaseTopic(topicId: number, beforeMs: number) {
      unhold.run(topicId, beforeMs);
      unneeded.run();
    },
  };
}
