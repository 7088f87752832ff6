import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Clock, createClock } from "./clock.ts";
import { createDeliverer, type Deliverer, type Delivery } from "./http-delivery.ts";
import { type HttpTarget, startHttpTarget } from "./testing/http-target.ts";

let clock: Clock;
let target: HttpTarget;
let deliverer: Deliverer;

beforeEach(async () => {
  clock = createClock();
  target = await startHttpTarget();
  deliverer = createDeliverer(clock, async () => "token");
});
afterEach(async () => {
  deliverer.close();
  clock.stop();
  await target[Symbol.asyncDispose]();
});

const delivery = (changes: Partial<Delivery> = {}): Delivery => ({
  url: `${target.url}/work`,
  method: "POST",
  headers: { "x-a": "b" },
  body: Buffer.from("body"),
  deadlineMs: 60_000,
  ...changes,
});

test("a delivery sends what it describes and tells the status", async () => {
  target.answer(404);
  const identity = { audience: "a", email: "b" };
  expect(await deliverer.deliver(delivery({ identity }), undefined)).toEqual({
    status: 404,
    failure: undefined,
  });
  expect(target.received).toMatchObject([
    {
      method: "POST",
      path: "/work",
      headers: { "x-a": "b", authorization: "Bearer token", "content-length": "4" },
    },
  ]);
});

test("an answer that is cut off is none", async () => {
  target.answer((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  expect(await deliverer.deliver(delivery(), undefined)).toEqual({
    status: undefined,
    failure: "unreachable",
  });
});

test("an answer that never ends is cut by the deadline", async () => {
  target.answer((_, response) => response.writeHead(200).write("on and on"));
  const outcome = deliverer.deliver(delivery(), undefined);
  await target.arrived(1);
  clock.advance(60_000);
  expect(await outcome).toEqual({ status: undefined, failure: "deadline" });
});

test("an idle connection that the target has closed costs no delivery", async () => {
  let served = 0;
  // Ends each connection once it is idle again, without having announced it.
  const server = createServer((_, response) => {
    served += 1;
    response.end();
    response.on("finish", () => setImmediate(() => response.socket?.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (let round = 1; round <= 20; round += 1) {
    expect(await deliverer.deliver(delivery({ url }), undefined)).toMatchObject({ status: 200 });
  }
  expect(served).toBe(20);
  server.close();
});

test("closing ends what is under way, and nothing is sent after it", async () => {
  target.answer(() => undefined);
  const outcomes = [deliverer.deliver(delivery(), undefined)];
  outcomes.push(deliverer.deliver(delivery(), { kind: "slow", code: "UNAVAILABLE", ms: 1e6 }));
  await target.arrived(1);
  deliverer.close();
  outcomes.push(deliverer.deliver(delivery(), undefined));
  expect((await Promise.all(outcomes)).map(({ failure }) => failure)).toEqual(Array(3).fill("unreachable"));
  expect(target.received).toHaveLength(1);
});

test("a delivery whose token can't be minted is not sent", async () => {
  const mute = createDeliverer(clock, () => Promise.reject(new Error("no key")));
  const identity = { audience: "a", email: "b" };
  expect(await mute.deliver(delivery({ identity }), undefined)).toMatchObject({ failure: "unreachable" });
  expect(target.received).toEqual([]);
  mute.close();
});
