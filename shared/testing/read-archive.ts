import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import yauzl from "yauzl";

/** What an archive holds, by the paths of its entries, as yauzl reads it; no path stands in it twice. */
export async function readArchive(bytes: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const open = promisify<Buffer, yauzl.Options, yauzl.ZipFile>(yauzl.fromBuffer);
  const archive = await open(bytes, { lazyEntries: true, validateEntrySizes: true });
  const openEntry = promisify<yauzl.Entry, NodeJS.ReadableStream>((entry, done) => {
    archive.openReadStream(entry, (cause, stream) => done(cause, stream));
  });
  const read = new Map<string, Buffer>();
  return new Promise((resolve, reject) => {
    archive.on("error", reject);
    archive.on("end", () => resolve(read));
    archive.on("entry", (entry: yauzl.Entry) => {
      openEntry(entry)
        .then(async (stream) => {
          if (read.has(entry.fileName)) throw new Error(`${entry.fileName} is there twice.`);
          read.set(entry.fileName, await buffer(stream));
          archive.readEntry();
        })
        .catch(reject);
    });
    archive.readEntry();
  });
}

/** An entry of JSON; the test's own words for what it is. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into entries of every shape
export function jsonIn(archive: ReadonlyMap<string, Buffer>, path: string): any {
  const bytes = archive.get(path);
  if (bytes === undefined) throw new Error(`${path} is not in the archive.`);
  return JSON.parse(bytes.toString());
}
