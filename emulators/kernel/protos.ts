import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import protobuf from "protobufjs";

const require = createRequire(import.meta.url);

/** Reads the protos that ship inside a Google client package. */
export function loadProtos(packageName: string): protobuf.Root {
  const folder = join(
    require.resolve.paths(packageName)?.find((path) => exists(path, packageName)) ?? "",
    packageName,
  );
  const candidates = ["build/protos/protos.json", "protos/protos.json"];
  for (const candidate of candidates) {
    try {
      return protobuf.Root.fromJSON(JSON.parse(readFileSync(join(folder, candidate), "utf8")));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    }
  }
  throw new Error(`No protos found in ${packageName}.`);
}

function exists(path: string, packageName: string): boolean {
  try {
    readFileSync(join(path, packageName, "package.json"));
    return true;
  } catch {
    return false;
  }
}
