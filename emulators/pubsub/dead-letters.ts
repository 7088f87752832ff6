import type { Database } from "../kernel/database.ts";
import type { Backlog, DeliveryRow } from "./backlog.ts";
import { DEAD_LETTERS_KEPT } from "./limits.ts";
import { shortName } from "./names.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/** A message that was given up and forwarded. It holds nothing of the message's content. */
export interface DeadLetterRecord {
  readonly subscription: string;
  readonly deadLetterTopic: string;
  /** The message's id in the subscription it comes from. */
  readonly messageId: string;
  /** Its id in the dead letter topic. */
  readonly deadLetterId: string;
  readonly attempts: number;
  readonly reason: string;
  readonly atMs: number;
}

export interface DeadLetters {
  /** Publishes the message to the dead letter topic; returns who receives it there. */
  forward(subscription: Subscription, row: DeliveryRow, target: Topic, reason: string): Subscription[];
  /** The latest first. */
  list(project: string | undefined): DeadLetterRecord[];
}

/** Forwarding as in cloud.google.com/pubsub/docs/dead-letter-topics, with the attributes named there. */
export function createDeadLetters({ sql }: Database, backlog: Backlog, now: () => number): DeadLetters {
  const insert = sql.prepare("INSERT INTO deadLetters (project, record) VALUES (?, ?)");
  const trim = sql.prepare("DELETE FROM deadLetters WHERE id <= ?");
  const list = sql.prepare(`
    SELECT record FROM deadLetters WHERE ?1 IS NULL OR project = ?1 ORDER BY id DESC LIMIT ${DEAD_LETTERS_KEPT}`);
  return {
    forward(subscription, row, target, reason) {
      const message = backlog.message(row.message);
      if (message === undefined) return [];
      const attributes = {
        ...message.attributes,
        CloudPubSubDeadLetterSourceDeliveryCount: String(row.attempts),
        CloudPubSubDeadLetterSourceDeliveryErrorMessage: reason,
        CloudPubSubDeadLetterSourceSubscription: shortName(subscription.name),
        CloudPubSubDeadLetterSourceSubscriptionProject: subscription.project,
        CloudPubSubDeadLetterSourceTopicPublishTime: new Date(message.publishMs).toISOString(),
      };
      const { ids, ready } = backlog.publish(target, [{ ...message, attributes }], now());
      const record: DeadLetterRecord = {
        subscription: subscription.name,
        deadLetterTopic: target.name,
        messageId: String(message.id),
        deadLetterId: String(ids[0]),
        attempts: row.attempts,
        reason,
        atMs: now(),
      };
      const { lastInsertRowid } = insert.run(subscription.project, JSON.stringify(record));
      trim.run(Number(lastInsertRowid) - DEAD_LETTERS_KEPT * 10);
      return ready;
    },
    list: (project) =>
      list.all(project ?? null).map((row) => JSON.parse(row["record"] as string) as DeadLetterRecord),
  };
}
