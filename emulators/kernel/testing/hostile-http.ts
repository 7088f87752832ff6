import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * What anyone who reaches an HTTP port may send. The tests send it to every port: nothing of it may be
 * answered with a failure of the server's own, or end the process.
 */
const MEBIBYTE = 1024 * 1024;

/**
 * Sends these bytes and nothing more. Resolves with the status of the response, or with 0 where the
 * connection just ends.
 */
export function statusOf(port: number, bytes: string | Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let response = "";
    socket.on("data", (chunk: Buffer) => {
      if (response.length < 64) response += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0)));
    socket.end(bytes);
  });
}

export const request = (
  line: string,
  headers: readonly string[] = [],
  body: string | Buffer = "",
): Buffer => {
  const own = headers.some((header) => /^host:/i.test(header)) ? [] : ["Host: 127.0.0.1"];
  const length = headers.some((header) => /^(content-length|transfer-encoding):/i.test(header))
    ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${line} HTTP/1.1`, ...own, "Connection: close", ...length, ...headers].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), Buffer.from(body)]);
};

/** The requests that were answered with a failure of the server's own. */
export async function failuresOf(port: number, requests: readonly (string | Buffer)[]): Promise<string[]> {
  const failures: string[] = [];
  for (const each of requests) {
    const status = await statusOf(port, each);
    if (status === 500) failures.push(each.toString("latin1").slice(0, 200));
  }
  return failures;
}

/** Paths that mean nothing, and wrong percent-encodings. */
export const HOSTILE_PATHS = [
  "/",
  "//",
  "///etc/passwd",
  "*",
  "http://[",
  "http://x:y@z/%",
  "/%",
  "/%zz",
  "/%ff%fe",
  "/%00",
  "/..%2f..%2f..%2fetc%2fpasswd",
  "/../../../etc/passwd",
  "/?%",
  "/?a=%ff&a=%&=",
  "/v1/%",
  "/storage/v1/b/%",
  "/storage/v1/b/bucket/o/%",
  "/storage/v1/b/bucket/o/%ff%fe?alt=media",
  "/storage/v1/b/bucket/o/a%2",
  "/storage/v1/b/bucket/o?maxResults=x&pageToken=%",
  "/storage/v1/b/bucket/o?fields=items((((",
  "/storage/v1/b/bucket/o?pageToken=!!!!&maxResults=-1",
  "/storage/v1/b/bucket/o/object?generation=x",
  "/storage/v1/b/bucket/o/object?ifGenerationMatch=99999999999999999999",
  "/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=%",
  "/upload/storage/v1/b/bucket/o?uploadType=multipart",
  "/upload/storage/v1/b/%/o?uploadType=media&name=%",
  "/batch/storage/v1",
  "/bucket/%",
  "/bucket/object?X-Goog-Signature=%&X-Goog-Algorithm=x",
  "/bucket?uploads&prefix=%",
  "/identitytoolkit.googleapis.com/v1/projects/%/accounts:query",
  "/identitytoolkit.googleapis.com/v1/accounts:signUp?key=%",
  "/identitytoolkit.googleapis.com/v1/projects/hostile/tenants/%zz/accounts",
  "/securetoken.googleapis.com/v1/token?key=x",
  "/emulator/action?mode=x&oobCode=%",
  "/emulator/v1/projects/%/accounts",
  "/emulator/v1/projects/p/tokens/%zz",
  "/v1/projects/%/messages:send",
  `/${"a".repeat(8_000)}`,
];
export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"];

const CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

/** What is no HTTP, or contradicts itself. */
export const HOSTILE_REQUESTS: readonly (string | Buffer)[] = [
  "",
  "\r\n\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a b\r\nHost: c\r\n\r\n",
  "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
  "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nshort",
  `${CHUNKED}zz\r\n`,
  `${CHUNKED}ffffffffffffffff\r\nabc`,
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${"X: y\r\n".repeat(5_000)}\r\n`,
  Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 167 + 13) & 0xff)),
];

/** Bodies of the wrong kind, for any endpoint. */
export const HOSTILE_BODIES = [
  "null",
  "[]",
  "3",
  '"text"',
  "{",
  "\0\x01\x02",
  '{"__proto__":{"polluted":true}}',
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  '{"name":3,"email":[],"password":{},"localId":null,"users":{},"cors":3,"lifecycle":[],"labels":"x"}',
  '{"sourceObjects":[{"name":3}],"destination":[],"idToken":"a.b.c","refresh_token":{},"grant_type":[]}',
  '{"advanceMs":"x","service":[],"method":{},"kind":"never","count":-1}',
];
const HOSTILE_TYPES = [
  "application/json",
  "multipart/related",
  "multipart/related; boundary=",
  "multipart/mixed; boundary=\0",
  "application/x-www-form-urlencoded",
  "text/plain; charset=\xff",
];

/** Requests to these endpoints ("POST /path") with all hostile bodies, each under two content types. */
export const requestsWithHostileBodies = (endpoints: readonly string[]): Buffer[] =>
  endpoints.flatMap((endpoint) =>
    HOSTILE_BODIES.flatMap((body, i) => {
      const type = HOSTILE_TYPES[i % HOSTILE_TYPES.length] ?? "";
      return [
        request(endpoint, ["Authorization: Bearer owner", "Content-Type: application/json"], body),
        request(endpoint, ["Authorization: Bearer owner", `Content-Type: ${type}`], body),
      ];
    }),
  );

const STALLED_CONNECTIONS = 50;

/** Begins requests whose bodies never come. Returns a function that breaks the connections off. */
export function stallConnections(port: number, endpoints: readonly string[]): () => void {
  const sockets = Array.from({ length: STALLED_CONNECTIONS }, (_, index) => {
    const endpoint = endpoints[index % endpoints.length] ?? "";
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    socket.write(request(endpoint, ["Content-Type: application/json", "Content-Length: 1000"], "{"));
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** The memory in use, in MiB, after everything that can be freed has been. */
export function liveMebibytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What the first finds is freed on another thread; the second waits for that.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEBIBYTE;
}

/** Sends a body of 40 MiB in chunks, as fast as it is taken. */
export function statusOfEndless(port: number, endpoint: string): Promise<number> {
  const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MEBIBYTE, " "), Buffer.from("\r\n")]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let response = "";
    let left = 40;
    const send = (): void => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(chunk)) return;
      }
      socket.end("0\r\n\r\n");
    };
    socket.on("drain", send).on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      response += bytes.toString("latin1");
    });
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0)));
    socket.write(request(endpoint, ["Content-Type: application/json", "Transfer-Encoding: chunked"]));
    send();
  });
}
