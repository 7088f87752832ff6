import { get } from "node:http";
import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client();
const [bucket] = await client.createBucket("xml-bucket");
const headers = { authorization: "Bearer any" };
const call = (path: string, init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {}) =>
  fetch(`${suite.url}/xml-bucket${path}`, { ...init, headers: { ...headers, ...init.headers } });
const element = (text: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];

test("objects are written, read and deleted, with errors in XML", async () => {
  const written = await call("/a%20b", {
    method: "PUT",
    body: "abc",
    headers: { "content-type": "text/x", "x-goog-meta-k": "v" },
  });
  expect([written.status, written.headers.get("etag")]).toEqual([200, '"900150983cd24fb0d6963f7d28e17f72"']);
  const head = await call("/a%20b", { method: "HEAD" });
  expect(Object.fromEntries(head.headers)).toMatchObject({
    "content-type": "text/x",
    "x-goog-meta-k": "v",
    "content-length": "3",
  });
  expect(await (await call("/a%20b")).text()).toBe("abc");
  const copied = await call("/copy", {
    method: "PUT",
    headers: { "x-goog-copy-source": "/xml-bucket/a%20b" },
  });
  expect(await copied.text()).toContain("<CopyObjectResult");
  expect((await call("/a%20b", { method: "DELETE" })).status).toBe(204);
  const gone = await call("/a%20b");
  expect([gone.status, element(await gone.text(), "Code")]).toEqual([404, "NoSuchKey"]);
  expect(
    (await call("/copy", { method: "PUT", body: "x", headers: { "x-goog-if-generation-match": "0" } }))
      .status,
  ).toBe(412);
  const nowhere = await fetch(`${suite.url}/no-such-bucket/x`, { headers });
  expect(element(await nowhere.text(), "Code")).toBe("NoSuchBucket");
  const unserved = await fetch(`${suite.url}/new-bucket`, { method: "PUT", headers });
  expect([unserved.status, element(await unserved.text(), "Code")]).toEqual([501, "NotImplemented"]);
});

test("a host may name the bucket", async () => {
  await bucket.file("hosted").save("hosted", { resumable: false });
  const { hostname, port } = new URL(suite.url);
  const body = await new Promise<string>((resolve, reject) => {
    const options = {
      hostname,
      port,
      path: "/hosted",
      headers: { ...headers, host: `xml-bucket.localhost:${port}` },
    };
    get(options, (answer) => answer.setEncoding("utf8").once("data", resolve)).once("error", reject);
  });
  expect(body).toBe("hosted");
});

test("whoever bears nothing sees only what is public", async () => {
  await bucket.file("private").save("private", { resumable: false });
  const link = `${suite.url}/xml-bucket/private`;
  const refused = await fetch(link);
  expect([refused.status, element(await refused.text(), "Code")]).toEqual([403, "AccessDenied"]);
  expect((await fetch(link, { method: "PUT", body: "x" })).status).toBe(403);
  await bucket.file("private").makePublic();
  expect(await (await fetch(link)).text()).toBe("private");
});

test("lists of both versions go on where a page ended", async () => {
  const [list] = await client.createBucket("xml-list-bucket");
  for (const name of ["a", "b/1", "b/2", "c&d"]) await list.file(name).save(name, { resumable: false });
  const getList = async (query: string) =>
    (await fetch(`${suite.url}/xml-list-bucket?${query}`, { headers })).text();
  const first = await getList("delimiter=/&max-keys=2");
  expect([element(first, "IsTruncated"), element(first, "NextMarker")]).toEqual(["true", "b/"]);
  expect(first).toContain("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>");
  const page = await getList("list-type=2&max-keys=3");
  const token = element(page, "NextContinuationToken") ?? "";
  const rest = await getList(`list-type=2&continuation-token=${encodeURIComponent(token)}`);
  expect([element(page, "KeyCount"), element(rest, "Key")]).toEqual(["3", "c&amp;d"]);
});

test("parts in any order become one object once the upload is completed", async () => {
  const uploadId = element(await (await call("/parts?uploads", { method: "POST" })).text(), "UploadId") ?? "";
  const upload = async (number: number, body: string): Promise<string> => {
    const part = await call(`/parts?partNumber=${number}&uploadId=${uploadId}`, { method: "PUT", body });
    return part.headers.get("etag") ?? "";
  };
  const big = "x".repeat(5 * 1024 * 1024);
  const second = await upload(2, "end");
  const first = await upload(1, big);
  const listed = await (await call(`/parts?uploadId=${uploadId}`)).text();
  expect(listed.match(/<PartNumber>/g)).toHaveLength(2);
  const complete = (parts: [number, string][]) =>
    call(`/parts?uploadId=${uploadId}`, {
      method: "POST",
      body: `<CompleteMultipartUpload>${parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join("")}</CompleteMultipartUpload>`,
    });
  expect(element(await (await complete([[1, "wrong"]])).text(), "Code")).toBe("InvalidPart");
  expect(
    element(
      await (
        await complete([
          [2, second],
          [1, first],
        ])
      ).text(),
      "Code",
    ),
  ).toBe("InvalidPartOrder");
  const done = await complete([
    [1, first],
    [2, second],
  ]);
  expect(element(await done.text(), "Key")).toBe("parts");
  const [bytes] = await bucket.file("parts").download();
  expect(bytes.toString() === `${big}end`).toBe(true);
  expect((await call(`/parts?uploadId=${uploadId}`)).status).toBe(404);
  expect(await (await call("?uploads")).text()).not.toContain("<Upload>");
});

test("pages of other origins are answered as the bucket's rules say", async () => {
  const origin = "http://localhost:5000";
  await bucket.file("shared").save("shared", { resumable: false });
  await bucket.setCorsConfiguration([
    { origin: [origin], method: ["PUT"], responseHeader: ["Content-Type"], maxAgeSeconds: 60 },
  ]);
  const preflight = (from: string) =>
    fetch(`${suite.url}/xml-bucket/shared`, {
      method: "OPTIONS",
      headers: {
        origin: from,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-type",
      },
    });
  expect(Object.fromEntries((await preflight(origin)).headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "60",
  });
  expect((await preflight("http://elsewhere.test")).headers.get("access-control-allow-origin")).toBeNull();
  expect(
    (await call("/shared", { headers: { origin } })).headers.get("access-control-allow-origin"),
  ).toBeNull();
});

test("a batch answers each of its calls", async () => {
  const body = [
    "GET /storage/v1/b/xml-bucket/o/shared?fields=name",
    "DELETE /storage/v1/b/xml-bucket/o/absent",
  ]
    .map(
      (line, index) =>
        `--B\r\nContent-Type: application/http\r\nContent-ID: <${index}>\r\n\r\n${line} HTTP/1.1\r\n\r\n\r\n`,
    )
    .join("");
  const answer = await fetch(`${suite.url}/batch/storage/v1`, {
    method: "POST",
    body: `${body}--B--\r\n`,
    headers: { "content-type": "multipart/mixed; boundary=B" },
  });
  const text = await answer.text();
  expect(text).toContain('{"name":"shared"}');
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
  expect(text).toContain("Content-ID: <response-1>");
});
