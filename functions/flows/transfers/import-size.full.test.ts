import { deliverTo, peakMebibytes } from "../../../shared/testing/deliver-to.ts";
import { afterEach, expect, test } from "vitest";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import manifest from "../../manifest.json" with { type: "json" };

/** Large files, brought by a process of its own: how much memory that takes, and how fast it is. */
const system = useSystem({ instances: 1 });
afterEach(() => system.clearFaults());

const MEBIBYTE = 1024 * 1024;
/** IMPORT_ROWS=500000 makes 100 MB of them. */
const ROWS = Number(process.env["IMPORT_ROWS"] ?? 20_000);
/** Half of what the function has. */
const MEMORY_MIB_MAX = manifest.functions["run-transfer"].memoryMiB / 2;
const FILLER = "and so on, as people write. ".repeat(6);

/** Rows of 200 bytes, of a hundred chats by turns. */
function csv(): Buffer {
  const lines = Array.from(
    { length: ROWS },
    (_, row) => `Chat ${row % 100},user,"${row}: ${FILLER}",2024-01-01T00:00:00Z`,
  );
  return Buffer.from(`chat,role,text,time\n${lines.join("\n")}\n`);
}

function jsonLines(): Buffer {
  const lines = Array.from({ length: ROWS }, (_, row) =>
    JSON.stringify({ chat: `Line ${row % 100}`, role: "user", text: `${row}: ${FILLER}`, id: row }),
  );
  return Buffer.from(`${lines.join("\n")}\n`);
}

test.each([
  ["a table", csv],
  ["lines of JSON", jsonLines],
])(
  "%s is brought whole, within half of the memory that there is",
  { timeout: 1_800_000 },
  async (name, make) => {
    const person = await system.signIn(`${name.replaceAll(" ", "-")}@sizes.test`);
    const bytes = make();
    const { id: file } = await uploadFile(person.api, {
      name: "large",
      type: "application/octet-stream",
      bytes,
      purpose: "import",
    });
    await system.settle();
    // Its steps are done by the process below, and nothing follows from them.
    const never = { kind: "before", code: "PERMISSION_DENIED", count: Number.POSITIVE_INFINITY } as const;
    system.fault({ service: "tasks", method: "CreateTask", ...never });
    system.fault({ service: "pubsub", method: "Publish", ...never });
    const { body: job } = await person.api.post("/v1/apps/demo/imports", { file });
    const host = await startProcess(system);
    const begunMs = performance.now();
    const stored = system.deps.firestore.doc(`apps/demo/jobs/${job.id}`);
    for (let found = await stored.get(); found.get("state") !== "completed"; found = await stored.get()) {
      expect(found.get("state")).not.toBe("failed");
      await deliverTo(system, host.port, "run-transfer", {
        app: "demo",
        job: job.id,
        step: found.get("step"),
      });
    }
    const seconds = (performance.now() - begunMs) / 1000;
    const { messages, existing } = (await stored.get()).get("result");
    // What an attempt has left that did not come to its end may count as brought before.
    expect(messages + existing).toBe(ROWS);
    const chats = await system.deps.firestore
      .collection("apps/demo/chats")
      .where("members", "array-contains", person.id)
      .get();
    const lengths = chats.docs.flatMap((chat) => chat.get("lastNumber") ?? []);
    expect(lengths).toEqual(Array.from({ length: 100 }, () => ROWS / 100));
    const mebibytes = peakMebibytes(host.pid);
    console.log(
      `${name}: ${Math.round(bytes.length / MEBIBYTE)} MiB, ${Math.round(ROWS / seconds)} rows/s, ${mebibytes} MiB`,
    );
    await host.stop(0);
    expect(mebibytes).toBeLessThan(MEMORY_MIB_MAX);
  },
);
