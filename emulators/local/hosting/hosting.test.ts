import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { serveLoopback } from "../../kernel/loopback.ts";
import { readHostingRules } from "./rewrites.ts";
import { createHosting } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "hosting-"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>Home</title>");
writeFileSync(join(folder, "page.js"), "export {};");
writeFileSync(join(folder, ".secret"), "hidden");
symlinkSync("/etc/hostname", join(folder, "outside.txt"));
afterAll(() => rmSync(folder, { recursive: true }));

const rules = readHostingRules({
  hosting: {
    public: ".",
    rewrites: [
      { source: "/v1/**", run: { serviceId: "api" } },
      { source: "/healthz", run: { serviceId: "api" } },
    ],
  },
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Hosting before a function of the test's own. */
async function startHosting(answer: Answer = (_request, response) => void response.end()) {
  const functions = await serveLoopback(0, answer);
  let functionsPort: number | undefined = functions.port;
  const hosting = createHosting({
    rules,
    publicFolder: folder,
    functionsPort: () => functionsPort,
    controlUrl: () => "http://127.0.0.1:4000",
    storageUrl: () => "http://127.0.0.1:9199",
  });
  const server = await serveLoopback(0, hosting.listener);
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    loseFunctions: () => {
      functionsPort = undefined;
    },
    stopFunctions: () => functions.close(),
    async [Symbol.asyncDispose]() {
      await Promise.all([server.close(), functions.close()]);
      hosting.close();
    },
  };
}

/** Sends a path as it stands; fetch would tidy it up first. */
async function getRaw(port: number, path: string): Promise<number> {
  const request = httpRequest({ host: "127.0.0.1", port, path, agent: false }).end();
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode ?? 0;
}

describe("static files", () => {
  test("come with type, strong ETag and a policy that lets nothing in from elsewhere", async () => {
    await using site = await startHosting();
    const answer = await fetch(`${site.url}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    expect(await answer.text()).toContain("<title>Home</title>");
    const again = await fetch(`${site.url}/`, {
      headers: { "if-none-match": answer.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
    expect((await fetch(`${site.url}/page.js`)).headers.get("content-type")).toContain("text/javascript");
  });

  test("can only be read", async () => {
    await using site = await startHosting();
    const answer = await fetch(`${site.url}/page.js`, { method: "POST" });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });

  test.each([
    "/../hosting.test.ts",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/outside.txt",
    "/.secret",
    "/page.js%00.html",
    "/%ff",
    "/absent.html",
    "//etc/passwd",
    `/${"a".repeat(5000)}`,
  ])("outside the folder or absent are 404: %s", async (path) => {
    await using site = await startHosting();
    expect(await getRaw(site.port, path)).toBe(404);
  });
});

describe("a rewrite", () => {
  test("reaches the function under its name, with the caller's view in x-forwarded headers", async () => {
    await using site = await startHosting((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.setHeader("x-request-id", "r1");
        response.end(
          JSON.stringify({
            url: request.url,
            headers: request.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
    });
    const answer = await fetch(`${site.url}/v1/apps?x=1`, {
      method: "POST",
      body: "hello",
      headers: { "x-forwarded-for": "203.0.113.9", cookie: "other=1; __session=s" },
    });
    expect(answer.headers.get("x-request-id")).toBe("r1");
    expect(await answer.json()).toMatchObject({
      url: "/api/v1/apps?x=1",
      body: "hello",
      headers: {
        "x-forwarded-for": "203.0.113.9, 127.0.0.1",
        "x-forwarded-host": `127.0.0.1:${site.port}`,
        "x-forwarded-proto": "http",
        cookie: "__session=s",
      },
    });
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${site.url}/healthz/more`)).status).toBe(404);
  });

  test("streams an answer as it is written", async () => {
    let finish = (): void => undefined;
    await using site = await startHosting((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
      finish = () => response.end("data: 2\n\n");
    });
    const answer = await fetch(`${site.url}/v1/events`);
    const reader = (answer.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    expect((await reader.read()).value).toBe("data: 1\n\n");
    finish();
    expect((await reader.read()).value).toBe("data: 2\n\n");
    expect((await reader.read()).done).toBe(true);
  });

  test("streams a request as it is sent", async () => {
    const first = Promise.withResolvers<string>();
    await using site = await startHosting((request, response) => {
      request.once("data", (chunk: Buffer) => first.resolve(chunk.toString()));
      request.on("end", () => response.end());
    });
    const request = httpRequest({ host: "127.0.0.1", port: site.port, path: "/v1/x", method: "POST" });
    request.write("begun");
    expect(await first.promise).toBe("begun");
    request.end();
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });

  test("lets the function know when the caller hangs up", async () => {
    const closed = Promise.withResolvers<void>();
    await using site = await startHosting((_request, response) => {
      response.write("begun");
      response.on("close", () => closed.resolve());
    });
    const abort = new AbortController();
    await fetch(`${site.url}/v1/events`, { signal: abort.signal });
    abort.abort();
    await expect(closed.promise).resolves.toBeUndefined();
  });

  test("breaks off where the function's answer breaks off", async () => {
    await using site = await startHosting((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const answer = await fetch(`${site.url}/v1/x`);
    await expect(answer.text()).rejects.toThrow("terminated");
  });

  test("answers 502 as a problem while no function is up", async () => {
    await using site = await startHosting();
    site.loseFunctions();
    const lost = await fetch(`${site.url}/v1/x`);
    expect(lost.status).toBe(502);
    expect(lost.headers.get("content-type")).toBe("application/problem+json");
    expect(await lost.json()).toMatchObject({ code: "functions_unreachable", status: 502 });
  });

  test("answers 502 as a problem when the function refuses connections", async () => {
    await using site = await startHosting();
    await site.stopFunctions();
    expect((await fetch(`${site.url}/v1/x`, { method: "POST", body: "x" })).status).toBe(502);
  });
});

test("a key of firebase.json that hosting does not serve is refused", () => {
  expect(() => readHostingRules({ hosting: { public: ".", redirects: [] } })).toThrow(/redirects/);
});
