import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiClient } from "../shared/testing/api-client.ts";
import { type FileDraft, sendBytes, uploadFile } from "../shared/testing/upload-file.ts";
import { pdfOf } from "../shared/testing/pdf.ts";
import { readCode } from "../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../shared/testing/use-system.ts";

/** Within the project, so that the bundles find the framework as they will beside them when deployed. */
const OUT = "node_modules/.cache/bundles-under-test";
/** One of each kind; that each function has an entry of its own is tested beside the manifest. */
const BUNDLES = ["api", "on-chat-changed", "send-mail", "reconcile", "check-file"];
const START_MS_MAX = 20_000;
const BUILD_MS_MAX = 60_000;
/** Other tests have moved the suite's clock; bundles have to live in the same time. */
const SHIFT_CLOCK = new URL("../emulators/local/function-host/shift-clock.ts", import.meta.url).href;

const children: ChildProcess[] = [];

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ["scripts/build.ts", OUT, ...BUNDLES]);
}, BUILD_MS_MAX);
const system = useSystem({ traced: true });
const [ada] = usePeople(system, "ada@bundle.test");
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(OUT, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs a bundle as the image of a function does: through the framework's own command. */
async function run(name: string): Promise<string> {
  const port = await freePort();
  const clockOffset = String(system.suite.kernel.clock.offset());
  const framework = "node_modules/@google-cloud/functions-framework/build/src/main.js";
  const child = spawn(
    process.execPath,
    ["--import", SHIFT_CLOCK, framework, `--target=${name}`, `--source=${OUT}/${name}/index.mjs`],
    {
      env: {
        ...process.env,
        ...system.env,
        NODE_ENV: "production",
        PORT: String(port),
        CLOCK_OFFSET_MS: clockOffset,
      },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(url).then(
      () => true,
      () => false,
    );
  await expect.poll(isUp, { timeout: START_MS_MAX, interval: 50 }).toBe(true);
  return url;
}

async function deliver(name: string, body: object): Promise<number> {
  const url = await run(name);
  const token = await system.suite.oidc.mintIdToken({
    audience: `${system.functionsUrl}/${name}`,
    email: system.env.INVOKER_EMAIL ?? "",
  });
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status;
}

test("the bundle of the API signs in, appends and ends when it is told to", { timeout: 60_000 }, async () => {
  const url = await run("api");
  const { body: sent } = await createApiClient(url, {}).post("/v1/apps/demo/auth/codes", {
    email: "bob@bundle.test",
  });
  await system.settle();
  const code = readCode(system, "bob@bundle.test");
  const { body } = await createApiClient(url, {}).post("/v1/apps/demo/auth/sessions", {
    challenge: sent.challenge,
    code,
  });
  const bob = createApiClient(url, { authorization: `Bearer ${body.accessToken}` });
  const { body: chat } = await bob.post("/v1/apps/demo/chats", { kind: "group" });
  const posted = await bob.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "From a bundle" });
  expect([posted.status, posted.body.number]).toEqual([201, 1]);
  const announced = await bob.post("/v1/apps/demo/files", { name: "a.txt", type: "text/plain", size: 3 });
  expect((await sendBytes(announced.body.upload, Buffer.from("abc"))).status).toBe(200);
  await system.settle();
  expect(system.logs.some((line) => line.function === "on-chat-changed" && line.outcome === "ok")).toBe(true);
  const child = children.at(-1);
  const ended = new Promise((resolve) => child?.once("exit", resolve));
  child?.kill("SIGTERM");
  expect(await ended).toBe(0);
  // What was recorded last has been sent before the end.
  const requestId = posted.headers.get("x-request-id");
  const line = system.logs.find((entry) => entry.requestId === requestId);
  const traceId = String(line?.["logging.googleapis.com/trace"]).split("/").at(-1) ?? "";
  const sentBy = system.suite.trace.spans(traceId).filter(({ service }) => service === "api");
  expect(sentBy.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      "POST /v1/apps/{app}/chats/{chat}/messages",
      "Firestore Commit",
      "publish chat-changes",
    ]),
  );
});

test("the bundles of the background functions take their deliveries", { timeout: 90_000 }, async () => {
  const { body: chat } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  const event = { app: "demo", chat: chat.number, revision: 1 };
  const message = { messageId: "1", data: Buffer.from(JSON.stringify(event)).toString("base64") };
  expect(await deliver("on-chat-changed", { message, subscription: "s" })).toBe(204);
  expect(await deliver("send-mail", { app: "demo", challenge: "none" })).toBe(204);
  expect(await deliver("reconcile", {})).toBe(204);
});

test(
  "the bundle that checks files finds what reads images and PDF beside it",
  { timeout: 90_000 },
  async () => {
    const installed = JSON.parse(readFileSync(`${OUT}/check-file/package.json`, "utf8")).dependencies;
    expect(Object.keys(installed)).toEqual(["@google-cloud/functions-framework", "sharp"]);
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    system.fault({ service: "pubsub", method: "Push", kind: "held", until, count: Number.POSITIVE_INFINITY });
    const bytes = await sharp({ create: { width: 20, height: 10, channels: 3, background: "teal" } })
      .png()
      .toBuffer();
    const check = async (draft: FileDraft): Promise<string> => {
      const { id } = await uploadFile(ada.api, draft);
      const name = `uploads/demo/${id}`;
      const { generation } = (await system.deps.bucket.stat(name)) ?? {};
      const data = Buffer.from(JSON.stringify({ name, generation })).toString("base64");
      const message = { messageId: "1", data };
      expect(await deliver("check-file", { message, subscription: "s" })).toBe(204);
      return id;
    };
    const image = await check({ name: "teal.png", type: "image/png", bytes });
    const { body } = await ada.api.get(`/v1/apps/demo/files/${image}`);
    expect(body).toMatchObject({ status: "ready", image: { width: 20, height: 10 } });
    const pdf = await check({ name: "menu.pdf", type: "application/pdf", bytes: pdfOf(["Lentils"]) });
    const stored = await system.deps.firestore.doc(`apps/demo/files/${pdf}`).get();
    expect([stored.get("status"), stored.get("hasText")]).toEqual(["ready", true]);
    system.clearFaults();
    release();
  },
);
