import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PubSubUnderTest, startPubSub } from "./testing.ts";

let suite: PubSubUnderTest;
beforeAll(async () => {
  suite = await startPubSub();
});
afterAll(() => suite[Symbol.asyncDispose]());

type PolicyRequest = Parameters<PubSubUnderTest["publisher"]["getIamPolicy"]>[0];
const PUBLISHER = { role: "roles/pubsub.publisher", members: ["user:ada@example.com"] };

test("a topic, a subscription and a snapshot start without bindings and keep those they are given", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("guarded");
  const [subscription] = await topic.createSubscription("guarded");
  const [snapshot] = await subscription.createSnapshot("guarded");
  for (const iam of [topic.iam, subscription.iam]) {
    const [unset] = await iam.getPolicy();
    expect(unset).toMatchObject({ version: 0, bindings: [] });
    const [kept] = await iam.setPolicy({ bindings: [PUBLISHER] });
    expect(kept.bindings).toEqual([{ ...PUBLISHER, condition: null }]);
    expect((await iam.getPolicy())[0]).toEqual(kept);
  }
  const [ofSnapshot] = await suite.publisher.getIamPolicy({ resource: snapshot.name } as PolicyRequest);
  expect(ofSnapshot.bindings).toEqual([]);
});

test("a policy that was changed since it was read isn't overwritten", async () => {
  const [topic] = await suite.client().createTopic("contended");
  const [first] = await topic.iam.setPolicy({ bindings: [PUBLISHER] });
  await topic.iam.setPolicy({ bindings: [], etag: first.etag ?? "" });
  const late = topic.iam.setPolicy({ bindings: [PUBLISHER], etag: first.etag ?? "" });
  await expect(late).rejects.toMatchObject({ code: status.ABORTED });
});

test("bindings of one role become one, and conditions need version 3", async () => {
  const [topic] = await suite.client().createTopic("conditions");
  const again = { role: PUBLISHER.role, members: ["allUsers", "user:ada@example.com"] };
  const [kept] = await topic.iam.setPolicy({ bindings: [PUBLISHER, again] });
  expect(kept.bindings).toMatchObject([{ members: ["user:ada@example.com", "allUsers"] }]);
  const condition = { title: "always", expression: "true", description: "", location: "" };
  const bindings = [{ ...PUBLISHER, condition }];
  await expect(topic.iam.setPolicy({ bindings })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  const [conditional] = await topic.iam.setPolicy({ version: 3, bindings });
  expect(conditional).toMatchObject({ version: 3, bindings });
});

test("everybody has every permission, on what there is", async () => {
  const client = suite.client();
  const [topic] = await client.createTopic("tested");
  const permissions = ["pubsub.topics.get", "pubsub.topics.update"];
  expect((await topic.iam.testPermissions(permissions))[0]).toEqual({
    "pubsub.topics.get": true,
    "pubsub.topics.update": true,
  });
  const missing = client.topic("missing").iam;
  await expect(missing.getPolicy()).rejects.toMatchObject({ code: status.NOT_FOUND });
  await expect(missing.testPermissions(permissions)).rejects.toMatchObject({ code: status.NOT_FOUND });
  await expect(missing.setPolicy({ bindings: [] })).rejects.toMatchObject({ code: status.NOT_FOUND });
  const wildcard = topic.iam.testPermissions("pubsub.*");
  await expect(wildcard).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test.each([
  { role: "", members: ["allUsers"] },
  { role: "roles/viewer", members: ["ada"] },
])("the binding %o is refused", async (binding) => {
  const client = suite.client();
  const [topic] = await client.createTopic("refusing");
  const refused = topic.iam.setPolicy({ bindings: [binding] });
  await expect(refused).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("a topic made anew has no policy from before", async () => {
  const [topic] = await suite.client().createTopic("renewed");
  await topic.iam.setPolicy({ bindings: [PUBLISHER] });
  await topic.delete();
  await topic.create();
  expect((await topic.iam.getPolicy())[0].bindings).toEqual([]);
});
