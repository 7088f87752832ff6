import { generateKeyPairSync } from "node:crypto";
import { get } from "node:http";
import { connect } from "node:net";
import { type Firestore, Timestamp } from "@google-cloud/firestore";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseOf, startFirestore, type TestFirestore } from "./testing.ts";

let firestore: TestFirestore;
let client: Firestore;
let documents: string;

beforeAll(async () => {
  firestore = await startFirestore();
});
beforeEach(() => {
  client = firestore.client();
  documents = `v1/${databaseOf(client)}/documents`;
});
afterAll(() => firestore.stop());

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${firestore.server.port}/${path}`, {
    method,
    headers: { authorization: "Bearer owner" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

describe("the REST API", () => {
  test("creates, reads, changes, lists and deletes a document", async () => {
    const fields = { name: { stringValue: "Lima" }, none: { nullValue: null }, odd: { doubleValue: "NaN" } };
    const created = await call("POST", `${documents}/cities?documentId=lim`, { fields });
    expect(created).toMatchObject({ status: 200, json: { fields } });
    const changed = await call("PATCH", `${documents}/cities/lim?updateMask.fieldPaths=size`, {
      fields: { size: { integerValue: "9007199254740993" } },
    });
    expect(changed.json).toMatchObject({ fields: { ...fields, size: { integerValue: "9007199254740993" } } });
    expect((await client.doc("cities/lim").get()).get("name")).toBe("Lima");
    const masked = await call("GET", `${documents}/cities/lim?mask.fieldPaths=name&mask.fieldPaths=none`);
    expect(masked.json).toMatchObject({ fields: { name: fields.name, none: fields.none } });
    expect(masked.json).not.toHaveProperty("fields.size");
    const listed = await call("GET", `${documents}/cities?pageSize=5`);
    expect(listed.json).toEqual({ documents: [changed.json] });
    expect(await call("DELETE", `${documents}/cities/lim`)).toEqual({ status: 200, json: {} });
    expect(await call("GET", `${documents}/cities/lim`)).toMatchObject({
      status: 404,
      json: { error: { code: 404, status: "NOT_FOUND" } },
    });
  });

  test("answers queries with a list of what a stream would bring", async () => {
    await client.doc("a/b/cities/one").set({ n: 1 });
    await client.doc("a/b/cities/two").set({ n: 2 });
    const structuredQuery = { from: [{ collectionId: "cities" }], limit: 1 };
    const found = await call("POST", `${documents}/a/b:runQuery`, { structuredQuery });
    expect(found.json).toEqual([
      {
        document: expect.objectContaining({ fields: { n: { integerValue: "1" } } }),
        readTime: expect.any(String),
      },
    ]);
    const none = await call("POST", `${documents}:runQuery`, { structuredQuery });
    expect(none.json).toEqual([{ readTime: expect.any(String) }]);
    const ids = await call("POST", `${documents}/a/b:listCollectionIds`, {});
    expect(ids.json).toEqual({ collectionIds: ["cities"] });
  });

  test("refuses in Google's form", async () => {
    const refused = async (path: string, body: object): Promise<unknown> =>
      (await call("POST", `${documents}${path}`, body)).json;
    expect(await refused(":commit", { wrong: 1 })).toEqual({
      error: {
        code: 400,
        status: "INVALID_ARGUMENT",
        message: expect.stringContaining('Unknown name "wrong"'),
      },
    });
    expect(await refused(":runQuery", { structuredQuery: { from: [] } })).toEqual([
      { error: { code: 400, status: "INVALID_ARGUMENT", message: expect.any(String) } },
    ]);
    const exists = { name: `${databaseOf(client)}/documents/a/b` };
    const writes = [{ update: exists, currentDocument: { exists: true } }];
    expect(await refused(":commit", { writes })).toMatchObject({ error: { code: 404, status: "NOT_FOUND" } });
    expect(await call("POST", "v1/nothing", {})).toMatchObject({ status: 404 });
  });

  test.each(["%zz", "%E0%A4%A"])("refuses a path with %s in it, and goes on", async (part) => {
    for (const method of ["GET", "DELETE"]) {
      expect((await call(method, `${documents}/cities/${part}`)).status).toBe(400);
      expect((await call(method, `emulator/v1/${part}`)).status).toBe(501);
    }
    expect((await call("GET", `${documents}/cities`)).status).toBe(200);
  });

  test("serves a client that prefers REST, transactions included", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const rest = firestore.client({
      preferRest: true,
      credentials: { client_email: "tests@example.com", private_key: key },
    });
    const counter = rest.doc("counters/one");
    await counter.set({ n: 0, at: Timestamp.fromMillis(5), text: "é" });
    const add = (): Promise<unknown> =>
      rest.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(counter);
        transaction.update(counter, { n: snapshot.get("n") + 1 });
      });
    await Promise.all([add(), add(), add()]);
    expect((await counter.get()).data()).toEqual({ n: 3, at: Timestamp.fromMillis(5), text: "é" });
    expect((await rest.collection("counters").where("n", ">", 2).get()).size).toBe(1);
    expect((await rest.collection("counters").count().get()).data().count).toBe(1);
    await expect(counter.create({})).rejects.toMatchObject({ code: 6 });
  });
});

describe("what tests call", () => {
  test("clears a database, which its listeners see and others do not", async () => {
    const other = firestore.client();
    await client.doc("a/b/c/d").set({ n: 1 });
    await other.doc("a/b").set({ n: 1 });
    const sizes: number[] = [];
    const emptied = new Promise<void>((resolve) => {
      const stop = client.collectionGroup("c").onSnapshot(({ size }) => {
        sizes.push(size);
        if (size === 1) void call("DELETE", `emulator/${documents}`);
        else {
          stop();
          resolve();
        }
      });
    });
    await emptied;
    expect(sizes).toEqual([1, 0]);
    expect(await client.listCollections()).toEqual([]);
    expect((await other.doc("a/b").get()).exists).toBe(true);
  });

  test("says that it is there, and what it does not do", async () => {
    const response = await fetch(`http://127.0.0.1:${firestore.server.port}/`);
    expect(await response.text()).toBe("Ok\n");
    expect(await call("PUT", "emulator/v1/projects/p:securityRules", {})).toMatchObject({ status: 501 });
  });

  test("answers programs and pages of this machine, and no page of elsewhere", async () => {
    const status = (headers: Record<string, string>, method = "GET"): Promise<number> =>
      new Promise((resolve, reject) => {
        const options = { port: firestore.server.port, host: "127.0.0.1", path: "/", method, headers };
        get(options, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on("error", reject);
      });
    expect(await status({ host: "localhost:8080", origin: "http://localhost:5000" })).toBe(200);
    expect(await status({ origin: "http://127.0.0.1:9" }, "OPTIONS")).toBe(204);
    expect(await status({ origin: "https://example.com" })).toBe(403);
    expect(await status({ origin: "null" })).toBe(403);
    expect(await status({ host: "rebound.example.com" })).toBe(403);
  });

  test("a connection that says nothing or nonsense ends without a trace", async () => {
    const silent = connect(firestore.server.port, "127.0.0.1");
    silent.end("PRI");
    const odd = connect(firestore.server.port, "127.0.0.1");
    odd.end("hello\r\n\r\n");
    const said = await new Promise<string>((resolve) => {
      odd.on("data", (data) => resolve(data.toString()));
    });
    expect(said).toMatch(/^HTTP\/1.1 400/);
    expect((await client.doc("a/b").get()).exists).toBe(false);
  });
});
