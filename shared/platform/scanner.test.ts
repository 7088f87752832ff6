import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openScanner } from "./scanner.ts";

/** ClamAV's daemon as its documentation says it speaks; what it finds is a word of ours. */
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function daemon(answer: (received: Buffer, socket: Socket) => void) {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      answer(received, socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const scanner = openScanner({ clamdAddress: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  if (scanner === undefined) throw new Error("There is an address.");
  return scanner;
}

/** The bytes of the file, once they are all there. */
function fileIn(received: Buffer): Buffer | undefined {
  expect(received.subarray(0, 10).toString()).toBe("zINSTREAM\0".slice(0, Math.min(10, received.length)));
  const pieces: Buffer[] = [];
  for (let at = 10; at + 4 <= received.length;) {
    const length = received.readUInt32BE(at);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(received.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  yield new Uint8Array();
}

const clamd = () =>
  daemon((received, socket) => {
    const file = fileIn(received);
    if (file === undefined) return;
    socket.end(file.includes("harmful") ? "stream: Own.Test.Signature FOUND\0" : "stream: OK\0");
  });

test("nobody looks through files where no scanner is named", () => {
  expect(openScanner({ clamdAddress: undefined })).toBeUndefined();
});

test("a file goes to the scanner in pieces, and its verdict comes back", async () => {
  const scanner = await clamd();
  const clean = Buffer.alloc(3_000_000, "a");
  expect(await scanner.isInfected(inPieces(clean, 65_536))).toBe(false);
  expect(await scanner.isInfected(inPieces(Buffer.from("this is harmful"), 4))).toBe(true);
});

test.each([
  ["an error", "INSTREAM size limit exceeded. ERROR\0"],
  ["nothing", ""],
  ["something else", "PONG\0"],
])("%s in place of a verdict is a failure, and no verdict", async (_, reply) => {
  const scanner = await daemon((_received, socket) => void socket.end(reply));
  await expect(scanner.isInfected(inPieces(Buffer.from("a"), 1))).rejects.toThrow("no verdict");
});

test("a scanner that is not there is a failure", async () => {
  const scanner = openScanner({ clamdAddress: "127.0.0.1:1" });
  await expect(scanner?.isInfected(inPieces(Buffer.from("a"), 1))).rejects.toThrow("ECONNREFUSED");
});
