import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Message, Unary } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { PubSubCore } from "./core.ts";
import { type NewMessage, parseMessages } from "./message.ts";
import { parseName } from "./names.ts";
import { pageOf } from "./page.ts";
import { DELETED_SCHEMA, schemaAttributes } from "./schema.ts";
import { parseTopic, type Topic, updateTopic } from "./topic.ts";

/** google.pubsub.v1.Publisher. */
export function publisherCalls(kernel: Kernel, core: PubSubCore): Record<string, Unary> {
  const { database, registry, backlog, replay, policies, schemas, topicSchemas, loop } = core;

  const accessTopic = (name: unknown): Topic => {
    const topic = registry.topic(parseName("topic", name));
    if (topic === undefined)
      throw new StatusError("NOT_FOUND", `Resource not found (resource=${String(name)}).`);
    return topic;
  };

  const requireSchema = ({ schemaSettings }: Message): void => {
    if (!schemaSettings || schemaSettings.schema === DELETED_SCHEMA) return;
    const { schema, firstRevisionId, lastRevisionId } = schemaSettings;
    const ids = schemas.revisions(schema).map(({ id }) => id);
    const named = [firstRevisionId, lastRevisionId].filter(Boolean);
    if (ids.length > 0 && named.every((id) => ids.includes(id))) return;
    throw new StatusError("NOT_FOUND", `Resource not found (resource=${schema}).`);
  };

  /** Messages of a topic with a schema tell which revision of it they are of. */
  const checked = (topic: Topic, messages: readonly NewMessage[]): readonly NewMessage[] => {
    const settings = topic.message.schemaSettings;
    if (!settings) return messages;
    return messages.map((message) => {
      const revision = topicSchemas.match(topic, message.data);
      return {
        ...message,
        attributes: { ...message.attributes, ...schemaAttributes(revision, settings.encoding) },
      };
    });
  };

  return {
    async CreateTopic(message: Message) {
      const parsed = parseTopic(message);
      const topic = await database.write(() => {
        if (registry.topic(parsed.name) !== undefined) {
          throw new StatusError("ALREADY_EXISTS", `Resource already exists (resource=${parsed.name}).`);
        }
        requireSchema(parsed);
        return registry.putTopic(parsed);
      });
      return topic.message;
    },
    async UpdateTopic({ topic: changed, updateMask }) {
      const topic = await database.write(() => {
        const known = accessTopic(changed?.name);
        const next = updateTopic(known.message, changed, updateMask?.paths);
        requireSchema(next);
        return registry.putTopic(next);
      });
      return topic.message;
    },
    GetTopic: ({ topic }) => accessTopic(topic).message,
    ListTopics({ project, pageSize, pageToken }) {
      const topics = registry.topics(parseName("project", project).slice("projects/".length));
      const { page, nextPageToken } = pageOf(topics, pageSize, pageToken);
      return { topics: page.map(({ message }) => message), nextPageToken };
    },
    ListTopicSubscriptions({ topic, pageSize, pageToken }) {
      const attached = registry.attachedTo(accessTopic(topic).id);
      const { page, nextPageToken } = pageOf(attached, pageSize, pageToken);
      return { subscriptions: page.map(({ name }) => name), nextPageToken };
    },
    ListTopicSnapshots({ topic, pageSize, pageToken }) {
      const { page, nextPageToken } = pageOf(replay.snapshotsOf(accessTopic(topic)), pageSize, pageToken);
      return { snapshots: page.map(({ name }) => name), nextPageToken };
    },
    async DeleteTopic({ topic }) {
      await database.write(() => {
        const known = accessTopic(topic);
        replay.releaseTopic(known, Number.MAX_SAFE_INTEGER);
        registry.deleteTopic(known);
        policies.forget(known.name);
      });
      return {};
    },
    async Publish({ topic, messages }, call: Call) {
      const known = accessTopic(topic);
      const parsed = checked(known, parseMessages(messages));
      const { ids, ready } = await database.write(() => backlog.publish(known, parsed, kernel.clock.now()));
      kernel.meter.publish(call, ids.length);
      for (const subscription of ready) loop.ready(subscription);
      return { messageIds: ids.map(String) };
    },
    async DetachSubscription({ subscription: name }) {
      const detached = await database.write(() => {
        const known = registry.subscription(parseName("subscription", name));
        if (known === undefined) throw new StatusError("NOT_FOUND", `Resource not found (resource=${name}).`);
        replay.clear(known);
        return registry.putSubscription({ ...known.message, detached: true });
      });
      loop.ready(detached);
      return {};
    },
  };
}
