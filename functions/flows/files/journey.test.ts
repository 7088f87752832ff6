import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * A film from a telephone whose connection breaks three times: uploaded, checked, sent, seen by somebody
 * else.
 */

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@journey.test", "bob@journey.test");

const FILM_BYTES = 90 * 1024 * 1024;
const BREAKS = [7, 31, 62].map((mib) => mib * 1024 * 1024);
/** Of a film in WebM. */
const BEGINNING = Buffer.from(
  "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff",
  "hex",
);

/**
 * Sends bytes from `from` on, and cuts the connection when so many have left; the reply where it was not cut.
 */
function sendUntil(
  url: URL,
  film: Buffer,
  { from, until }: { from: number; until: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    let reply = "";
    socket.on("data", (piece) => (reply += piece.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(reply));
    socket.write(
      `PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n` +
        `content-length: ${film.length - from}\r\ncontent-range: bytes ${from}-${film.length - 1}/${film.length}\r\n\r\n`,
    );
    socket.write(film.subarray(from, until), () => (until < film.length ? socket.destroy() : socket.end()));
  });
}

async function arrived(session: URL): Promise<number> {
  const reply = await fetch(session, {
    method: "PUT",
    headers: { "content-range": `bytes */${FILM_BYTES}` },
  });
  return Number(reply.headers.get("range")?.split("-")[1] ?? -1) + 1;
}

test("90 MB over a connection that breaks three times", { timeout: 120_000 }, async () => {
  const film = Buffer.concat([BEGINNING, randomBytes(FILM_BYTES - BEGINNING.length)]);
  const sha256 = createHash("sha256").update(film).digest("hex");
  const draft = { name: "holiday.webm", type: "video/webm", size: film.length, sha256 };
  const { body } = await ada.api.post("/v1/apps/demo/files", draft);
  const { url, method, headers } = body.upload.resumable;
  const begun = await fetch(url, { method, headers });
  const session = new URL(begun.headers.get("location") ?? "");
  const starts: number[] = [];
  for (const until of [...BREAKS, film.length]) {
    const from = await arrived(session);
    starts.push(from);
    await sendUntil(session, film, { from, until });
  }
  // Each went on from where the one before had come, and nothing was sent twice but what had not arrived.
  expect(starts[0]).toBe(0);
  for (const [at, start] of starts.slice(1).entries()) {
    expect(start).toBeGreaterThan(starts[at] ?? 0);
    expect(start).toBeLessThanOrEqual(BREAKS[at] ?? 0);
  }
  const { path, number } = await startChat(ada.api, { members: [bob], texts: ["Hi"] });
  await ada.api.post(`${path}/messages`, { text: "Our holiday", files: [body.file.id] });
  await system.settle();
  const { body: page } = await bob.api.get(`${path}/messages`);
  expect(page.data[0].files).toMatchObject([
    { status: "ready", type: "video/webm", size: film.length, sha256 },
  ]);
  const content = await fetch(`${system.url}/v1/apps/demo/files/${body.file.id}/content?chat=${number}`, {
    headers: { authorization: `Bearer ${bob.session.accessToken}` },
    redirect: "manual",
  });
  const address = content.headers.get("location") ?? "";
  // As a player seeks: the middle first, then the end.
  for (const [first, last] of [
    [45_000_000, 45_000_999],
    [film.length - 500, film.length - 1],
  ] as const) {
    const part = await fetch(address, { headers: { range: `bytes=${first}-${last}` } });
    expect([part.status, part.headers.get("content-range")]).toEqual([
      206,
      `bytes ${first}-${last}/${film.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(film.subarray(first, last + 1))).toBe(true);
  }
});
