import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Config } from "./config.ts";
import { inSpan } from "./trace.ts";

/** Looks through files for what is known to do harm. */
export interface Scanner {
  /**
   * Whether something was found in the bytes, all of which are read. @throws Error when the scanner does not
   * answer, or does not take so many bytes
   */
  isInfected(bytes: AsyncIterable<Uint8Array>): Promise<boolean>;
}

/** The scanner is quick; what takes so long is not answered any more. */
const SILENCE_MS_MAX = 20_000;
/** Its replies are a line. */
const REPLY_CHARS_MAX = 1_000;

/**
 * ClamAV's daemon, by its own protocol over TCP: `INSTREAM`, then pieces that begin with their length in four
 * bytes, then an empty one (docs.clamav.net/manual/Usage/Scanning.html). A connection for each file.
 */
export function openScanner({ clamdAddress }: Pick<Config, "clamdAddress">): Scanner | undefined {
  if (clamdAddress === undefined) return undefined;
  const [host = "", port = ""] = clamdAddress.split(":");
  return {
    isInfected: (bytes) =>
      inSpan("scan", "client", { "server.address": clamdAddress }, async () => {
        const socket = connect({ host, port: Number(port) });
        socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy(new Error("The scanner does not answer.")));
        try {
          await once(socket, "connect");
          const [reply] = await Promise.all([replyOf(socket), send(socket, bytes)]);
          return verdictOf(reply);
        } finally {
          socket.destroy();
        }
      }),
  };
}

async function send(socket: Socket, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const write = async (piece: Uint8Array): Promise<void> => {
    if (!socket.write(piece)) await once(socket, "drain");
  };
  await write(Buffer.from("zINSTREAM\0"));
  for await (const piece of bytes) {
    // An empty piece would end the file.
    if (piece.length === 0) continue;
    await write(lengthOf(piece));
    await write(piece);
  }
  await write(lengthOf(new Uint8Array()));
}

function lengthOf(piece: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(piece.length);
  return length;
}

async function replyOf(socket: Socket): Promise<string> {
  let reply = "";
  for await (const piece of socket as AsyncIterable<Buffer>) {
    reply += piece.toString();
    if (reply.length > REPLY_CHARS_MAX || reply.includes("\0")) break;
  }
  return reply.replaceAll("\0", "").trim();
}

/** What was found has a name, which is nobody's business. */
function verdictOf(reply: string): boolean {
  if (/^stream: OK$/.test(reply)) return false;
  if (/^stream: .* FOUND$/.test(reply)) return true;
  throw new Error(`The scanner has given no verdict: ${reply.slice(0, 200)}`);
}
