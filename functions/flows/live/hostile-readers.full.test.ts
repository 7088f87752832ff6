import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { createApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

const READERS = 20;
const CHAT_BYTES = 25 * 1024 * 1024;
const MEMORY_BYTES_MAX = 400 * 1024 * 1024;
const TEXT = "z".repeat(32_000);
const WATCHED_MS = 20_000;

/** Resident memory of a process (proc(5), in kB). */
const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

/** Asks for all of the past and takes nothing of it. */
function neverReads(host: HostProcess, path: string, person: Person): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: host.port }, () => {
      const authorization = `Authorization: Bearer ${person.session.accessToken}`;
      socket.write(`GET /live${path} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n${authorization}\r\n\r\n`);
      socket.pause();
      resolve(socket);
    });
    socket.on("error", reject);
  });
}

test("twenty readers who never read a chat of 25 MB leave the process below 400 MB", async () => {
  await using system = await startSystem();
  const ada = await system.signIn("ada@hostile.test");
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  const chat = `/v1/apps/demo/chats/${body.number}`;
  await writeHistory(ada.api, chat, Math.ceil(CHAT_BYTES / TEXT.length), () => TEXT);
  const host = await startProcess(system);
  try {
    const api = createApiClient(`http://127.0.0.1:${host.port}/api`, {
      authorization: `Bearer ${ada.session.accessToken}`,
    });
    expect((await api.get(chat)).status).toBe(200);
    const sockets = await Promise.all(
      Array.from({ length: READERS }, () => neverReads(host, `${chat}/events`, ada)),
    );
    let most = 0;
    const endMs = performance.now() + WATCHED_MS;
    while (performance.now() < endMs) {
      most = Math.max(most, residentBytes(host.pid));
      // Others are served meanwhile.
      expect((await api.get(chat)).status).toBe(200);
      await pause(100);
    }
    for (const socket of sockets) socket.destroy();
    console.log(`At most ${Math.round(most / 1024 / 1024)} MB resident.`);
    expect(most).toBeLessThan(MEMORY_BYTES_MAX);
  } finally {
    await host.stop(5_000);
  }
});

test("of 1,000 streams of one person the cap admits some, and sign-out ends all within 2 s over 3 processes", async () => {
  await using system = await startSystem();
  const { hosts, stop } = await processes(system, 3);
  try {
    const { id } = await system.createApp("Thousand");
    await system.operator.patch(`/v1/apps/${id}`, {
      settings: { limits: { personPerMinute: null, ipPerMinute: null } },
    });
    const ada = await system.signIn("ada@hostile.test", id);
    const opened = await Promise.all(
      Array.from({ length: 1_000 }, (_, at) =>
        EventStream.open(`http://127.0.0.1:${hosts[at % 3]?.port}/live/v1/apps/${id}/events`, ada),
      ),
    );
    const admitted = opened.filter(({ status }) => status === 200);
    expect(admitted).toHaveLength(20);
    expect(opened.filter(({ status }) => status === 429)).toHaveLength(1_000 - admitted.length);
    await Promise.all(admitted.map(({ reached }) => reached));
    const startedMs = performance.now();
    await ada.api.delete(`/v1/apps/${id}/auth/sessions/current`);
    await Promise.all(admitted.map(({ ended }) => ended));
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  } finally {
    await stop();
  }
});

async function processes(
  system: System,
  count: number,
): Promise<{ hosts: HostProcess[]; stop(): Promise<void> }> {
  const hosts = await Promise.all(Array.from({ length: count }, () => startProcess(system)));
  return {
    hosts,
    async stop() {
      await Promise.all(hosts.map((host) => host.stop(5_000)));
    },
  };
}
