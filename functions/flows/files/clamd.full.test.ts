import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** Debian's ClamAV daemon (`apt-get install clamav-daemon`), with a list of one signature. */
const CLAMD = "/usr/sbin/clamd";
const START_MS_MAX = 60_000;
/** What scanners agree to find: put together here, so that none finds it in this file. */
const EICAR = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "!$H+H*"].join("");

let daemon: ChildProcess | undefined;
let folder = "";
afterAll(() => {
  daemon?.kill("SIGKILL");
  if (folder !== "") rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startDaemon(): Promise<string> {
  folder = mkdtempSync(join(tmpdir(), "clamd-"));
  const port = await freePort();
  // A name, any kind of file, at its beginning, these bytes.
  writeFileSync(join(folder, "own.ndb"), `Own.Eicar:0:0:${Buffer.from(EICAR).toString("hex")}\n`);
  const configuration = [
    `DatabaseDirectory ${folder}`,
    `TemporaryDirectory ${folder}`,
    `TCPSocket ${port}`,
    "TCPAddr 127.0.0.1",
    "Foreground yes",
    "StreamMaxLength 500M",
  ];
  writeFileSync(join(folder, "clamd.conf"), `${configuration.join("\n")}\n`);
  daemon = spawn(CLAMD, ["--config-file", join(folder, "clamd.conf")], { stdio: "ignore" });
  const isUp = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
  await vi.waitUntil(isUp, { timeout: START_MS_MAX, interval: 50 });
  return `127.0.0.1:${port}`;
}

describe.skipIf(!existsSync(CLAMD))("ClamAV's own daemon", { timeout: START_MS_MAX }, () => {
  const system = useSystem(async () => ({ env: { CLAMD_ADDRESS: await startDaemon() } }));

  async function check(name: string, type: string, bytes: Uint8Array): Promise<object> {
    const { id } = await uploadFile(system.operator, { name, type, bytes });
    await system.settle();
    return (await system.operator.get(`/v1/apps/demo/files/${id}`)).body;
  }

  test("finds what it knows, and nothing in other files", async () => {
    expect(await check("eicar.txt", "text/plain", Buffer.from(EICAR))).toMatchObject({
      status: "refused",
      refusal: "infected",
    });
    expect(await check("notes.txt", "text/plain", Buffer.from("Harmless"))).toMatchObject({
      status: "ready",
    });
  });

  test("takes files of any size that an app may take", async () => {
    const bytes = Buffer.alloc(60 * 1024 * 1024, "A large file. ");
    expect(await check("large.txt", "text/plain", bytes)).toMatchObject({ status: "ready" });
  });
});
