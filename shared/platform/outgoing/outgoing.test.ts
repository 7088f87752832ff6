import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, createServer as createSocketServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isPublicAddress, parseRanges } from "./address-ranges.ts";
import { openOutgoing, type OutgoingFailure, OUTGOING_URL_CHARS_MAX, type Resolve } from "./outgoing.ts";

const LOOPBACK = ["127.0.0.0/8"];
let port = 0;
let asked = 0;
let answer: RequestListener = (_, response) => response.end("{}");
const server = createServer((request, response) => {
  asked += 1;
  answer(request, response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const resolving =
  (...addresses: string[]): Resolve =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));

async function post(
  url: string,
  {
    ranges = [],
    resolve,
    timeoutMs = 2_000,
  }: { ranges?: string[]; resolve?: Resolve; timeoutMs?: number } = {},
): Promise<string | number> {
  const outgoing = openOutgoing({ outgoingRanges: ranges }, resolve);
  try {
    const request = { url, headers: {}, body: "{}", timeoutMs, replyBytesMax: 1_000 };
    return (await outgoing.post(request)).status;
  } catch (cause) {
    return (cause as OutgoingFailure).kind;
  }
}

describe("addresses", () => {
  test.each([
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "199.36.153.8",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "ff02::1",
    "fec0::1",
    "not an address",
  ])("%s is no public one", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])(
    "%s is one",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test("what is no range is named", () => {
    for (const text of ["10.0.0.0", "10.0.0.0/33", "::/129", "host/8", "10.0.0.0/", "/8"]) {
      expect(() => parseRanges([text])).toThrow(text);
    }
  });
});

describe("a request to an address that somebody has named", () => {
  test.each([
    "https://127.0.0.1:PORT/",
    "https://2130706433:PORT/",
    "https://0x7f.1:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://[::1]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://169.254.169.254/computeMetadata/v1/",
    "https://localhost:PORT/",
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https://user:secret@example.com/",
    "no address",
  ])("%s reaches nobody", async (url) => {
    const before = asked;
    expect(await post(url.replace("PORT", String(port)))).toBe("blocked");
    expect(asked).toBe(before);
  });

  test("is blocked by what the name resolves to, all of it", async () => {
    const before = asked;
    for (const addresses of [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:10.0.0.1"], ["fd00::1"]]) {
      expect(await post(`https://rebound.test:${port}/`, { resolve: resolving(...addresses) })).toBe(
        "blocked",
      );
    }
    const dotted = await post(`https://localhost.:${port}/`, { resolve: resolving("127.0.0.1") });
    expect(dotted).toBe("blocked");
    expect(await post("https://nowhere.test/", { resolve: resolving() })).toBe("unreachable");
    expect(asked).toBe(before);
  });

  test("connects to the very address that was judged, whatever the name says next", async () => {
    let lookups = 0;
    const rebinding: Resolve = () => {
      lookups += 1;
      return Promise.resolve([{ address: lookups === 1 ? "127.0.0.1" : "10.0.0.1", family: 4 }]);
    };
    // Allowed once; a second look would find another address, which is refused.
    expect(await post(`http://localhost:${port}/`, { ranges: LOOPBACK, resolve: rebinding })).toBe(200);
    expect(lookups).toBe(1);
  });

  test("goes where the operator allows it, over http too", async () => {
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe(200);
    expect(await post(`http://localhost:${port}/`, { ranges: ["127.0.0.0/8", "::1/128"] })).toBe(200);
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: ["10.0.0.0/8"] })).toBe("blocked");
  });

  test("follows no redirect", async () => {
    const before = asked;
    answer = (_, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${port}/inside` }).end();
    };
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe(307);
    expect(asked).toBe(before + 1);
  });

  test("ends with the first byte above its bound, and at its time, headers included", async () => {
    answer = (_, response) => response.end("x".repeat(1_001));
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe("too_large");
    answer = (_, response) => response.end("x".repeat(1_000));
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe(200);
    answer = (_, response) => {
      response.writeHead(200);
      response.write("x");
    };
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK, timeoutMs: 100 })).toBe("too_late");
    answer = () => undefined;
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK, timeoutMs: 100 })).toBe("too_late");
    answer = (_, response) => response.writeHead(200, { "x-long": "y".repeat(9_000) }).end();
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe("unreachable");
    const never: Resolve = () => new Promise(() => undefined);
    expect(await post("https://slow.test/", { resolve: never, timeoutMs: 100 })).toBe("too_late");
  });

  test("survives a server that speaks no HTTP, or hangs up", async () => {
    const rude = createSocketServer((socket) => socket.end("220 smtp ready\r\n"));
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    const { port: rudePort } = rude.address() as AddressInfo;
    expect(await post(`http://127.0.0.1:${rudePort}/`, { ranges: LOOPBACK })).toBe("unreachable");
    rude.close();
    answer = (request) => request.socket.destroy();
    expect(await post(`http://127.0.0.1:${port}/`, { ranges: LOOPBACK })).toBe("unreachable");
    // The server lives on.
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.end(resolve));
    });
  });

  test("is refused with a word why when the address is set", () => {
    const outgoing = openOutgoing({ outgoingRanges: [] });
    const refused = (url: string) => {
      try {
        outgoing.demandUrl(url, "here");
        return undefined;
      } catch (cause) {
        return (cause as { details: { errors: { path: string; message: string }[] } }).details.errors[0];
      }
    };
    expect(refused("https://hooks.example.com/judge?key=1")).toBeUndefined();
    expect(refused("http://hooks.example.com/")).toEqual({
      path: "here",
      message: "must begin with https://",
    });
    expect(refused("https://10.0.0.1/")).toEqual({ path: "here", message: "must be a public address" });
    expect(refused(`https://example.com/${"x".repeat(OUTGOING_URL_CHARS_MAX)}`)?.message).toBe(
      "must be an address",
    );
  });
});
