import type { Kernel } from "../kernel/kernel.ts";
import type { Message, Unary } from "../kernel/rpc.ts";
import { millis, protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { PubSubCore } from "./core.ts";
import { DELETED_TOPIC, parseName } from "./names.ts";
import { pageOf } from "./page.ts";
import type { Snapshot } from "./snapshots.ts";
import { parseSubscription, type Subscription, updateSubscription } from "./subscription.ts";

/** The part of google.pubsub.v1.Subscriber that is about subscriptions. */
export function subscriptionCalls(core: PubSubCore): Record<string, Unary> {
  const { database, registry, replay, policies, loop } = core;

  /** The subscription with what follows from its topic. */
  const view = ({ message }: Subscription): Message => {
    const retentionMs = registry.topic(message.topic)?.retentionMs ?? 0;
    return retentionMs === 0
      ? message
      : { ...message, topicMessageRetentionDuration: protoTime(retentionMs) };
  };

  const checkReferences = (message: Message): void => {
    for (const topic of [message.topic, message.deadLetterPolicy?.deadLetterTopic]) {
      if (topic === undefined || topic === DELETED_TOPIC || registry.topic(topic) !== undefined) continue;
      throw new StatusError("NOT_FOUND", `Resource not found (resource=${topic}).`);
    }
  };

  const change = async (name: unknown, apply: (known: Message) => Message): Promise<Subscription> => {
    const changed = await database.write(() => {
      const message = apply(accessSubscription(core, name).message);
      checkReferences(message);
      return registry.putSubscription(message);
    });
    loop.ready(changed);
    return changed;
  };

  return {
    async CreateSubscription(message: Message) {
      const parsed = parseSubscription(message);
      const created = await database.write(() => {
        if (registry.subscription(parsed.name) !== undefined) {
          throw new StatusError("ALREADY_EXISTS", `Resource already exists (resource=${parsed.name}).`);
        }
        checkReferences(parsed);
        return registry.putSubscription(parsed);
      });
      return view(created);
    },
    GetSubscription: ({ subscription }) => view(accessSubscription(core, subscription)),
    async UpdateSubscription({ subscription, updateMask }) {
      const paths = updateMask?.paths;
      return view(
        await change(subscription?.name, (known) => updateSubscription(known, subscription, paths)),
      );
    },
    ListSubscriptions({ project, pageSize, pageToken }) {
      const all = registry.subscriptions(parseName("project", project).slice("projects/".length));
      const { page, nextPageToken } = pageOf(all, pageSize, pageToken);
      return { subscriptions: page.map(view), nextPageToken };
    },
    async DeleteSubscription({ subscription }) {
      const deleted = await database.write(() => {
        const known = accessSubscription(core, subscription);
        replay.clear(known);
        registry.deleteSubscription(known);
        policies.forget(known.name);
        return known;
      });
      loop.ready(deleted);
      return {};
    },
    async ModifyPushConfig({ subscription, pushConfig }) {
      await change(subscription, (known) => parseSubscription({ ...known, pushConfig: pushConfig ?? {} }));
      return {};
    },
  };
}

/** The part that is about snapshots. */
export function snapshotCalls({ clock }: Kernel, core: PubSubCore): Record<string, Unary> {
  const { database, replay, policies, loop } = core;

  const accessSnapshot = (name: unknown): Snapshot => {
    const snapshot = replay.snapshot(parseName("snapshot", name));
    if (snapshot === undefined)
      throw new StatusError("NOT_FOUND", `Resource not found (resource=${String(name)}).`);
    return snapshot;
  };
  const view = ({ name, topicName, expireMs, labels }: Snapshot): Message => ({
    name,
    topic: topicName,
    expireTime: protoTime(expireMs),
    labels,
  });

  return {
    async CreateSnapshot({ name, subscription, labels }) {
      parseName("snapshot", name);
      const created = await database.write(() => {
        if (replay.snapshot(name) !== undefined) {
          throw new StatusError("ALREADY_EXISTS", `Resource already exists (resource=${name}).`);
        }
        const known = accessSubscription(core, subscription);
        return replay.createSnapshot(name, known, { ...labels }, clock.now());
      });
      return view(created);
    },
    GetSnapshot: ({ snapshot }) => view(accessSnapshot(snapshot)),
    ListSnapshots({ project, pageSize, pageToken }) {
      const all = replay.snapshots(parseName("project", project).slice("projects/".length));
      const { page, nextPageToken } = pageOf(all, pageSize, pageToken);
      return { snapshots: page.map(view), nextPageToken };
    },
    async UpdateSnapshot({ snapshot: changed, updateMask }) {
      const paths: string[] = updateMask?.paths ?? [];
      const updated = await database.write(() => {
        const known = accessSnapshot(changed?.name);
        let next = known;
        for (const path of paths) {
          if (path === "labels") next = { ...next, labels: { ...changed.labels } };
          else if (/^expire_?[tT]ime$/.test(path)) {
            next = { ...next, expireMs: millis(changed.expireTime) ?? known.expireMs };
          } else
            throw new StatusError(
              "INVALID_ARGUMENT",
              `The update mask names ${path}, which can't be changed.`,
            );
        }
        replay.updateSnapshot(next);
        return next;
      });
      return view(updated);
    },
    async DeleteSnapshot({ snapshot }) {
      await database.write(() => {
        replay.deleteSnapshot(accessSnapshot(snapshot));
        policies.forget(snapshot);
      });
      return {};
    },
    async Seek({ subscription, time, snapshot }) {
      const known = await database.write(() => {
        const found = accessSubscription(core, subscription);
        const nowMs = clock.now();
        const timeMs = millis(time);
        if (timeMs !== undefined) replay.seekToTime(found, timeMs, nowMs);
        else if (snapshot) seekToSnapshot(found, accessSnapshot(snapshot), nowMs);
        else throw new StatusError("INVALID_ARGUMENT", "Seek needs a time or a snapshot.");
        return found;
      });
      // Subscribers lose the messages of it that they hold.
      core.receivers.released(known, "all");
      loop.ready(known);
      return {};
    },
  };

  function seekToSnapshot(subscription: Subscription, snapshot: Snapshot, nowMs: number): void {
    if (snapshot.topicId !== subscription.topicId) {
      throw new StatusError("INVALID_ARGUMENT", "The snapshot is of another topic.");
    }
    replay.seekToSnapshot(subscription, snapshot, nowMs);
  }
}

export function accessSubscription({ registry }: PubSubCore, name: unknown): Subscription {
  const subscription = registry.subscription(parseName("subscription", name));
  if (subscription === undefined) {
    throw new StatusError("NOT_FOUND", `Resource not found (resource=${String(name)}).`);
  }
  return subscription;
}
