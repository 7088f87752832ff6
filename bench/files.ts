import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { createApiClient } from "../shared/testing/api-client.ts";
import { sendBytes } from "../shared/testing/upload-file.ts";
import { startLocalSuite } from "./local-suite.ts";
import { closedLoop, rowOf } from "./measure.ts";

/**
 * `node bench/files.ts [--photos 40] [--uploads 50] [--port-base 27000]`: how long a photograph of 5 MB takes
 * from its announcement until it is ready, one after the other, and what uploads of 20 MB at once do to
 * appends beside them. On the local suite, whose storage writes to this machine's disk: bytes that take a
 * network's time in the cloud take the disk's here, and on few cores they take the functions' processor too.
 */
const { values } = parseArgs({
  options: {
    photos: { type: "string", default: "40" },
    uploads: { type: "string", default: "50" },
    "port-base": { type: "string", default: "27000" },
  },
});
const APPENDS = 600;
const POLL_MS = 10;
const UPLOAD_BYTES = 20 * 1024 * 1024;

const dataDir = mkdtempSync(join(tmpdir(), "scrollback-files-"));
const suite = await startLocalSuite(Number(values["port-base"]), dataDir);
try {
  const api = createApiClient(suite.direct, { authorization: `Bearer ${suite.operatorKey}` });
  const limits = { personPerMinute: null, tokenPerMinute: null, ipPerMinute: null, appPerMinute: null };
  const files = { personBytesPerDay: 100 * 1024 ** 3, personFilesPerDay: 100_000 };
  await api.patch("/v1/apps/demo", { settings: { limits, files } });

  const announce = async (name: string, type: string, size: number) => {
    const { status, body } = await api.post("/v1/apps/demo/files", { name, type, size });
    if (status !== 201) throw new Error(`The file was answered with ${status}.`);
    return body;
  };
  const photo = await sharp(randomBytes(1000 * 750 * 3), { raw: { width: 1000, height: 750, channels: 3 } })
    .resize(4000, 3000)
    .jpeg({ quality: 90 })
    .toBuffer();
  const untilReady = async (): Promise<void> => {
    const { file, upload } = await announce("photo.jpg", "image/jpeg", photo.length);
    await (await sendBytes(upload, photo)).text();
    for (;;) {
      const { body } = await api.get(`/v1/apps/demo/files/${file.id}`);
      if (body.status === "ready") return;
      if (body.status === "refused") throw new Error(`The photograph was refused: ${body.refusal}.`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  for (let at = 0; at < 3; at += 1) await untilReady();
  const photos = rowOf(await closedLoop(1, Number(values.photos), suite.directPid, untilReady));
  say(`a photograph of ${(photo.length / 1e6).toFixed(1)} MB until it is ready`, photos);

  const { body: chat } = await api.post("/v1/apps/demo/chats", { kind: "group" });
  const append = async (): Promise<void> => {
    await api.post(`/v1/apps/demo/chats/${chat.number}/messages`, {
      text: "A message of about the usual length.",
    });
  };
  const appends = async () => rowOf(await closedLoop(4, APPENDS, suite.directPid, append));
  await appends();
  say("appends, four at once, alone", await appends());
  const large = randomBytes(UPLOAD_BYTES);
  const uploading = Promise.all(
    Array.from({ length: Number(values.uploads) }, async () => {
      const { upload } = await announce("data.bin", "application/octet-stream", large.length);
      await (await sendBytes(upload, large)).text();
    }),
  );
  const startedMs = performance.now();
  say(`appends beside ${values.uploads} uploads of 20 MB`, await appends());
  await uploading;
  console.log(`all uploads: ${Math.round(performance.now() - startedMs)} ms`);
} finally {
  await suite.stop("SIGTERM");
  rmSync(dataDir, { recursive: true, force: true });
}

function say(
  what: string,
  { requests, p50, p95, p99 }: { requests: number; p50: number; p95: number; p99: number },
): void {
  const ms = (value: number): string => value.toFixed(1);
  console.log(`${what}: ${requests}, p50 ${ms(p50)} ms, p95 ${ms(p95)} ms, p99 ${ms(p99)} ms`);
}
