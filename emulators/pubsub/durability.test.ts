import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pushedTexts, startPubSub } from "./testing.ts";

test("what was acknowledged before kill -9 holds: publishes are delivered, acknowledgements stay", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pubsub-"));
  const path = join(folder, "pubsub.db");
  const child = fork(join(import.meta.dirname, "durability.child.ts"), [path], { stdio: "inherit" });
  const [told] = (await once(child, "message")) as [{ published: string[]; acknowledged: string[] }];
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(told.acknowledged).toHaveLength(8);

  const suite = await startPubSub(path);
  const client = suite.client("crash");
  await client.subscription("pushed").modifyPushConfig({ pushEndpoint: suite.target.url });
  // Beyond the pushes' backoff, and the deadline of whatever was with the killed process.
  suite.kernel.clock.advance(600_000);
  await suite.pubsub.idle("crash");
  const pushed = new Set(pushedTexts(suite.target.received));
  expect(told.published.filter((text) => !pushed.has(text))).toEqual([]);

  const request = { subscription: client.subscription("pulled").name, maxMessages: 100 };
  const left = new Set<string>();
  for (;;) {
    const [{ receivedMessages }] = await suite.subscriber.pull({ ...request, returnImmediately: true });
    if (!receivedMessages?.length) break;
    for (const { message } of receivedMessages) left.add(Buffer.from(message?.data as Uint8Array).toString());
  }
  const settled = new Set(told.acknowledged);
  expect(told.acknowledged.filter((text) => left.has(text))).toEqual([]);
  expect(told.published.filter((text) => !left.has(text) && !settled.has(text)).length).toBeLessThanOrEqual(
    1,
  );
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
