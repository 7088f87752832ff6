import { expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { createApiClient } from "../../../shared/testing/api-client.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const PROCESSES = 3;
const system = useSystem();

/** As the cloud takes an instance its processor between requests. */
const freeze = ({ pid }: HostProcess): boolean => process.kill(pid, "SIGSTOP");
const wake = ({ pid }: HostProcess): boolean => process.kill(pid, "SIGCONT");

test(
  "what was revoked while all instances slept for an hour is refused by the first request after",
  { timeout: 120_000 },
  async () => {
    const hosts = await Promise.all(Array.from({ length: PROCESSES }, () => startProcess(system)));
    try {
      const { body } = await system.operator.post("/v1/apps/demo/tokens", {
        name: "Of a server",
        scopes: ["*"],
      });
      const clients = hosts.map(({ port }) =>
        createApiClient(`http://127.0.0.1:${port}/api`, { authorization: `Bearer ${body.token}` }),
      );
      for (const client of clients) expect((await client.get("/v1/apps/demo/chats")).status).toBe(200);
      hosts.map(freeze);
      expect((await system.operator.delete(`/v1/apps/demo/tokens/${body.id}`)).status).toBe(204);
      system.suite.kernel.clock.advance(3_600_000);
      hosts.map(wake);
      await Promise.all(hosts.map((host) => host.setClock(system.suite.kernel.clock.offset())));
      const statuses = await Promise.all(
        clients.map(async (client) => (await client.get("/v1/apps/demo/chats")).status),
      );
      expect(statuses).toEqual([401, 401, 401]);
    } finally {
      hosts.map(wake);
      await Promise.all(hosts.map((host) => host.stop(5_000)));
    }
  },
);
