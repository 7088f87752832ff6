import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { SignJWT } from "jose";
import { createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { type LocalSuite, signInOn, startLocalSuite, untilHandled } from "./local-suite.ts";
import { bare, closedLoop, type Measured, medianRow, type Row, rowOf } from "./measure.ts";

/**
 * `node bench/pages.ts [--messages 10,1000,100000] [--rounds 3]`: what a page of 50 costs in chats of so many
 * messages, the newest and any older one, beside the bare read of fifty documents through Google's client and
 * beside Express with PostgreSQL (bench/peers/express-postgres), in turns. Without PostgreSQL on the machine
 * the peer is left out. Processor time is that of the process that answers.
 */
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10,1000,100000" },
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "1500" },
    "port-base": { type: "string", default: "23000" },
  },
});
const SIZES = values.messages.split(",").map(Number);
const TOTAL = Number(values.requests);
const AT_ONCE = 16;
const TEXT = "A message of about the usual length, as people write them.";
const PORT = Number(values["port-base"]);
const PEER = "bench/peers/express-postgres";
const run = promisify(execFile);

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One GET; rejects on anything but 200. */
function get(url: URL, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 200
          ? resolve()
          : reject(new Error(`${url.pathname}: ${response.statusCode}`)),
      );
    });
    sent.on("error", reject).end();
  });
}

interface Side {
  readonly name: string;
  measure(): Promise<Measured>;
}

/** A number that a page may begin before: all over the chat, the same for every side. */
const beforeAt = (index: number, messages: number): number => 1 + ((index * 7919) % messages);

async function ourSides(suite: LocalSuite, token: string, messages: number): Promise<readonly Side[]> {
  const operator = createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` });
  await liftLimits(operator, "demo");
  const api = createApiClient(suite.direct, { authorization: `Bearer ${token}` });
  const { body } = await api.post("/v1/apps/demo/chats", { kind: "group" });
  const path = `/v1/apps/demo/chats/${body.number}`;
  await closedLoop(64, messages, suite.directPid, async () => {
    await api.post(`${path}/messages`, { text: TEXT });
  });
  await untilHandled(createApiClient(suite.consoleUrl, {}));
  const page = (query: (index: number) => string) => (): Promise<Measured> =>
    closedLoop(AT_ONCE, TOTAL, suite.directPid, (index) =>
      get(new URL(`${suite.direct}${path}/messages${query(index)}`), token),
    );
  return [
    { name: "newest", measure: page(() => "") },
    { name: "any older", measure: page((index) => `?before=${beforeAt(index, messages)}`) },
  ];
}

interface Peer extends AsyncDisposable {
  side(messages: number): Promise<Side>;
}

const PERSON = "person-1";

/** PostgreSQL as Debian sets it up, in a folder of its own, and the peer's process before it. */
async function startPeer(folder: string): Promise<Peer | undefined> {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const bin = versions.length === 0 ? undefined : `/usr/lib/postgresql/${versions.at(-1)}/bin`;
  if (bin === undefined) return undefined;
  await run("npm", ["install", "--no-audit", "--no-fund", "--no-save"], { cwd: PEER });
  // PostgreSQL does not run as root.
  const isRoot = userInfo().uid === 0;
  if (isRoot) await run("chown", ["-R", "postgres", folder]);
  const asServer = (command: string, ...args: string[]) =>
    isRoot ? run("runuser", ["-u", "postgres", "--", command, ...args]) : run(command, args);
  const data = join(folder, "postgres");
  await asServer(`${bin}/initdb`, "-D", data, "-U", "bench", "--auth=trust");
  const options = `-p ${PORT + 90} -k ${folder} -c listen_addresses=127.0.0.1`;
  await asServer(
    `${bin}/pg_ctl`,
    "-D",
    data,
    "-w",
    "-l",
    join(folder, "postgres.log"),
    "-o",
    options,
    "start",
  );
  const url = `postgres://bench@127.0.0.1:${PORT + 90}/postgres`;
  const sql = (text: string) => run(`${bin}/psql`, [url, "-v", "ON_ERROR_STOP=1", "-c", text]);
  await sql(readFileSync(join(PEER, "schema.sql"), "utf8"));
  const key = randomBytes(32);
  const server = spawn(process.execPath, [join(PEER, "server.js"), String(PORT + 91), url], {
    env: { ...process.env, TOKEN_KEY: key.toString("base64") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await firstLine(server);
  const token = await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject(PERSON).sign(key);
  let chats = 0;
  return {
    async side(messages) {
      chats += 1;
      const chat = chats;
      await sql(`INSERT INTO members VALUES (${chat}, '${PERSON}')`);
      await sql(
        `INSERT INTO messages (chat, number, sender, text) SELECT ${chat}, n, '${PERSON}', '${TEXT}' FROM generate_series(1, ${messages}) n`,
      );
      await sql("VACUUM ANALYZE");
      return {
        name: "Express + PostgreSQL, any older",
        measure: () =>
          closedLoop(AT_ONCE, TOTAL, server.pid ?? 0, (index) =>
            get(
              new URL(
                `http://127.0.0.1:${PORT + 91}/chats/${chat}/messages?before=${beforeAt(index, messages)}`,
              ),
              token,
            ),
          ),
      };
    },
    async [Symbol.asyncDispose]() {
      server.kill();
      await asServer(`${bin}/pg_ctl`, "-D", data, "-m", "fast", "stop");
    },
  };
}

function firstLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`The peer ended with ${code}.`)));
    child.stdout?.once("data", () => {
      child.stdout?.resume();
      resolve();
    });
  });
}

/** Each side in turns, there and back again, so that a drifting machine shows in all. */
async function inTurns(sides: readonly Side[]): Promise<ReadonlyMap<string, Row>> {
  const rows = new Map<string, Row[]>(sides.map(({ name }) => [name, []]));
  for (const { measure } of sides) await measure();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { name, measure } of [...sides, ...sides.toReversed()]) {
      rows.get(name)?.push(rowOf(await measure()));
    }
  }
  return new Map([...rows].map(([name, measured]) => [name, medianRow(measured)]));
}

const dataDir = mkdtempSync(join(tmpdir(), "scrollback-pages-"));
const peerDir = mkdtempSync(join(tmpdir(), "scrollback-peer-"));
try {
  const suite = await startLocalSuite(PORT, dataDir);
  await using peer = (await startPeer(peerDir)) ?? null;
  for (const messages of SIZES) {
    // Filling a chat takes longer than an access token lives.
    const ours = await ourSides(suite, await signInOn(suite, `pages-${messages}@bench.test`), messages);
    const theirs = peer === null ? [] : [await peer.side(messages)];
    const bareSide: Side = {
      name: "bare query of 50",
      measure: () => bare(suite.env, "page", AT_ONCE, TOTAL),
    };
    // The same twice: how far two equal sides lie apart is how far chance goes.
    const [newest] = ours;
    const again = newest === undefined ? [] : [{ ...newest, name: `${newest.name}, again` }];
    const rows = await inTurns([...ours, bareSide, ...theirs, ...again]);
    const bareMicros = rows.get(bareSide.name)?.cpuMicros ?? Number.NaN;
    for (const [name, { p50, p95, perSecond, cpuMicros }] of rows) {
      console.log(
        `| ${messages} | ${name} | ${p50.toFixed(1)} | ${p95.toFixed(1)} | ${perSecond.toFixed(0)} | ${cpuMicros.toFixed(0)} | ${(cpuMicros / bareMicros).toFixed(2)}× |`,
      );
    }
  }
  await suite.stop("SIGTERM");
} finally {
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(peerDir, { recursive: true, force: true });
}
process.exit(0);
