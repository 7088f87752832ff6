import { expect, test } from "vitest";
import { TTL_DELAY_MS } from "../../../emulators/firestore/physics.ts";
import { useInstance, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const idle = useInstance(system);

test("an instance that nobody has asked for long knows what was changed meanwhile, at its first request", async () => {
  const ada = await system.signIn("ada@idle.test");
  const originLetIn = async () => {
    const response = await fetch(`${idle.url}/v1/apps/demo/chats`, {
      headers: { origin: "https://page.example", authorization: `Bearer ${ada.session.accessToken}` },
    });
    return response.headers.get("access-control-allow-origin");
  };
  expect(await originLetIn()).toBeNull();
  const settings = { allowedOrigins: ["https://page.example"] };
  expect((await system.operator.patch("/v1/apps/demo", { settings })).status).toBe(200);
  // What was said of the change has expired by then, and been swept away.
  system.suite.kernel.clock.advance(TTL_DELAY_MS + 24 * 3600 * 1000);
  const revocations = system.deps.firestore.collection("system/revocations/entries");
  await expect.poll(async () => (await revocations.get()).size).toBe(0);
  expect(await originLetIn()).toBe("https://page.example");
});
