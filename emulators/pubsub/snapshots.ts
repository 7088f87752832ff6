import type { Database } from "../kernel/database.ts";
import { projectOf } from "../kernel/rpc.ts";
import { ACKED } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

export interface Snapshot {
  readonly id: number;
  readonly name: string;
  readonly topicId: number;
  readonly topicName: string;
  readonly expireMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NewSnapshot extends Omit<Snapshot, "id" | "topicName"> {
  readonly subscription: Subscription;
}

/** Snapshots and the messages each has captured, on disk. */
export function snapshotStatements({ sql }: Database, dropUnneeded: () => void) {
  const insert = sql.prepare(`
    INSERT INTO snapshots (name, topic, topicName, expireMs, labels) VALUES (?, ?, ?, ?, ?) RETURNING id`);
  const capture = sql.prepare(`
    INSERT INTO snapshotMessages SELECT ?, message FROM deliveries WHERE subscription = ? AND state < ${ACKED}`);
  const retain = sql.prepare(`
    UPDATE messages SET refs = refs + 1 WHERE id IN (SELECT message FROM snapshotMessages WHERE snapshot = ?)`);
  const release = sql.prepare(`
    UPDATE messages SET refs = refs - 1 WHERE id IN (SELECT message FROM snapshotMessages WHERE snapshot = ?)`);
  const removeMessages = sql.prepare("DELETE FROM snapshotMessages WHERE snapshot = ?");
  const remove = sql.prepare("DELETE FROM snapshots WHERE id = ?");
  const get = sql.prepare("SELECT * FROM snapshots WHERE name = ?");
  const all = sql.prepare("SELECT * FROM snapshots ORDER BY name");
  const ofTopic = sql.prepare("SELECT * FROM snapshots WHERE topic = ? ORDER BY name");
  const late = sql.prepare("SELECT * FROM snapshots WHERE expireMs <= ?");
  const update = sql.prepare("UPDATE snapshots SET expireMs = ?, labels = ? WHERE id = ?");

  const snapshotOf = (row: Record<string, unknown>): Snapshot => ({
    id: row["id"] as number,
    name: row["name"] as string,
    topicId: row["topic"] as number,
    topicName: row["topicName"] as string,
    expireMs: row["expireMs"] as number,
    labels: JSON.parse(row["labels"] as string) as Record<string, string>,
  });

  return {
    add({ subscription, ...snapshot }: NewSnapshot): Snapshot {
      const { name, topicId, expireMs, labels } = snapshot;
      const topicName = subscription.message.topic as string;
      const row = insert.get(name, topicId, topicName, expireMs, JSON.stringify(labels)) as { id: number };
      capture.run(row.id, subscription.id);
      retain.run(row.id);
      return { ...snapshot, id: row.id, topicName };
    },
    snapshot(name: string) {
      const row = get.get(name);
      return row && snapshotOf(row);
    },
    snapshots: (project: string) =>
      all
        .all()
        .map(snapshotOf)
        .filter(({ name }) => projectOf(name) === project),
    snapshotsOf: (topic: Topic) => ofTopic.all(topic.id).map(snapshotOf),
    expired: (nowMs: number) => late.all(nowMs).map(snapshotOf),
    updateSnapshot({ id, expireMs, labels }: Snapshot) {
      update.run(expireMs, JSON.stringify(labels), id);
    },
    deleteSnapshot({ id }: Snapshot) {
      release.run(id);
      removeMessages.run(id);
      remove.run(id);
      dropUnneeded();
    },
  };
}
