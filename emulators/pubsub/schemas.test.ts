import { type PubSub, SchemaViews } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

const AVRO = JSON.stringify({
  type: "record",
  name: "City",
  fields: [
    { name: "title", type: "string" },
    { name: "people", type: "long" },
  ],
});
const PROTO = 'syntax = "proto3"; message City { string title = 1; int64 people = 2; }';
const vienna = Buffer.from('{"title":"Wien","people":2028289}');
const TITLE_ONLY = 'syntax = "proto3"; message City { string title = 1; }';

const listed = async <T>(all: AsyncIterable<T>): Promise<T[]> => {
  const items: T[] = [];
  for await (const each of all) items.push(each);
  return items;
};
/** A new schema's name and first revision. */
async function create(client: PubSub, type: "AVRO" | "PROTOCOL_BUFFER", definition: string) {
  const { name, revisionId } = await (await client.createSchema("city", type, definition)).get();
  return { name: name ?? "", revisionId: revisionId ?? "" };
}
const code = (name: keyof typeof status) => ({ code: status[name] });

test("a schema is created once, found, listed in its project and deleted", async () => {
  const client = suite.client();
  const schema = await client.createSchema("city", "AVRO", AVRO);
  await expect(client.createSchema("city", "AVRO", AVRO)).rejects.toMatchObject(code("ALREADY_EXISTS"));
  const found = await schema.get();
  expect(found).toMatchObject({ type: "AVRO", definition: AVRO });
  expect(found.revisionId).toMatch(/^[0-9a-f]{8}$/);
  expect((await schema.get(SchemaViews.Basic)).definition).toBe("");
  await suite.client().createSchema("city", "PROTOCOL_BUFFER", PROTO);
  const basic = await listed(client.listSchemas());
  expect(basic.map(({ name, definition }) => [name, definition])).toEqual([[found.name, ""]]);
  expect(await listed(client.listSchemas(SchemaViews.Full))).toMatchObject([{ definition: AVRO }]);
  await schema.delete();
  await expect(schema.get()).rejects.toMatchObject(code("NOT_FOUND"));
  await expect(schema.delete()).rejects.toMatchObject(code("NOT_FOUND"));
});

test.each([
  ["AVRO", "{}"],
  ["AVRO", "no JSON"],
  ["AVRO", '{"type":"record","name":"A","fields":[{"name":"b","type":"unknown"}]}'],
  ["PROTOCOL_BUFFER", "message {"],
  ["PROTOCOL_BUFFER", 'syntax = "proto3"; message A {} message B {}'],
  ["PROTOCOL_BUFFER", 'syntax = "proto3"; import "other.proto"; message A {}'],
  ["PROTOCOL_BUFFER", ""],
] as const)("the %s definition %s is refused", async (type, definition) => {
  const client = suite.client();
  await expect(client.validateSchema({ type, definition })).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  await expect(client.createSchema("bad", type, definition)).rejects.toMatchObject(code("INVALID_ARGUMENT"));
});

test("revisions are committed, rolled back to and deleted, the newest first", async () => {
  const client = suite.client();
  const schemas = await client.getSchemaClient();
  const { name, revisionId: first } = await create(client, "PROTOCOL_BUFFER", PROTO);
  const at = (id: string | null | undefined) => `${name}@${id}`;
  const type = "PROTOCOL_BUFFER";
  const [second] = await schemas.commitSchema({ name, schema: { name, type, definition: TITLE_ONLY } });
  const idsOf = async () => (await schemas.listSchemaRevisions({ name }))[0].map((each) => each.revisionId);
  expect(await idsOf()).toEqual([second.revisionId, first]);
  expect((await schemas.getSchema({ name: at(first) }))[0].definition).toBe(PROTO);
  const [third] = await schemas.rollbackSchema({ name, revisionId: first });
  expect(third.definition).toBe(PROTO);
  await schemas.deleteSchemaRevision({ name: at(second.revisionId) });
  expect(await idsOf()).toEqual([third.revisionId, first]);
  await schemas.deleteSchemaRevision({ name: at(third.revisionId) });
  const only = schemas.deleteSchemaRevision({ name: at(first) });
  await expect(only).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  const other = schemas.commitSchema({ name, schema: { name, type: "AVRO", definition: AVRO } });
  await expect(other).rejects.toMatchObject(code("INVALID_ARGUMENT"));
});

test("a topic with a schema takes only what is of it, and says so in attributes", async () => {
  const client = suite.client();
  const schema = await client.createSchema("city", "AVRO", AVRO);
  const { name, revisionId } = await schema.get();
  const schemaSettings = { schema: name ?? "", encoding: "JSON" as const };
  const [topic] = await client.createTopic({ name: "cities", schemaSettings });
  const [subscription] = await topic.createSubscription("reader");
  await topic.publishMessage({ data: vienna, attributes: { own: "1" } });
  const [{ receivedMessages }] = await suite.subscriber.pull({
    subscription: subscription.name,
    maxMessages: 1,
  });
  expect(receivedMessages?.[0]?.message?.attributes).toEqual({
    own: "1",
    googclient_schemaname: name,
    googclient_schemaencoding: "JSON",
    googclient_schemarevisionid: revisionId,
  });
  const wrong = topic.publishMessage({ data: Buffer.from('{"title":1}') });
  await expect(wrong).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  await schema.delete();
  expect((await topic.getMetadata())[0].schemaSettings?.schema).toBe("_deleted-schema_");
  await expect(topic.publishMessage({ data: vienna })).rejects.toMatchObject(code("INVALID_ARGUMENT"));
});

test("a topic takes messages of the revisions that it names", async () => {
  const client = suite.client();
  const schemas = await client.getSchemaClient();
  const { name } = await create(client, "PROTOCOL_BUFFER", TITLE_ONLY);
  const [wide] = await schemas.commitSchema({
    name,
    schema: { name, type: "PROTOCOL_BUFFER", definition: PROTO },
  });
  const encoding = "JSON" as const;
  const [topic] = await client.createTopic({ name: "cities", schemaSettings: { schema: name, encoding } });
  await topic.publishMessage({ data: vienna });
  const [narrow] = await schemas.rollbackSchema({
    name,
    revisionId: (await schemas.listSchemaRevisions({ name }))[0][1]?.revisionId ?? "",
  });
  await topic.publishMessage({ data: vienna });
  const id = narrow.revisionId ?? "";
  const settings = { schema: name, encoding, firstRevisionId: id, lastRevisionId: id };
  await topic.setMetadata({ schemaSettings: settings });
  await expect(topic.publishMessage({ data: vienna })).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  await topic.setMetadata({ schemaSettings: { ...settings, firstRevisionId: wide.revisionId ?? "" } });
  await topic.publishMessage({ data: vienna });
});

test("a topic's schema must be there, and its encoding be known", async () => {
  const client = suite.client();
  const { name } = await create(client, "AVRO", AVRO);
  const use = (schemaSettings: object) => client.createTopic({ name: "cities", schemaSettings });
  const missing = `${name}-missing`;
  await expect(use({ schema: missing, encoding: "JSON" })).rejects.toMatchObject(code("NOT_FOUND"));
  await expect(use({ schema: name })).rejects.toMatchObject(code("INVALID_ARGUMENT"));
});

test("a message is validated against a schema by name or as given", async () => {
  const client = suite.client();
  const schemas = await client.getSchemaClient();
  const { name } = await create(client, "AVRO", AVRO);
  const parent = name.slice(0, name.indexOf("/schemas"));
  const binary = Buffer.from([8, ...Buffer.from("Wien"), 2]);
  const given = { type: "AVRO", definition: AVRO } as const;
  await schemas.validateMessage({ parent, name, message: vienna, encoding: "JSON" });
  await schemas.validateMessage({ parent, schema: given, message: binary, encoding: "BINARY" });
  const truncated = { parent, name, message: binary.subarray(0, 3), encoding: "BINARY" } as const;
  for (const refused of [truncated, { ...truncated, message: vienna }, { ...truncated, encoding: 0 }])
    await expect(schemas.validateMessage(refused)).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  const nowhere = schemas.validateMessage({ ...truncated, name: `${name}-missing` });
  await expect(nowhere).rejects.toMatchObject(code("NOT_FOUND"));
});
