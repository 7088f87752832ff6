import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, resolve } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { functions } from "../functions/functions.ts";
import { endpoints } from "../functions/http/endpoints.ts";
import { describeApi } from "../functions/http/openapi/describe-api.ts";
import manifest from "../functions/manifest.json" with { type: "json" };
import { buildPage } from "./build-page.ts";
import { bundleLock, type LockFile } from "./bundle-lock.ts";

/**
 * `npm run build [-- FOLDER [FUNCTION …]]`: one minified bundle for each function of the manifest, or the
 * named ones, in dist/{function}/, ready to be deployed: index.mjs, a package.json that names the framework,
 * and its lock file; the page, in dist/page/; and the API's description, dist/openapi.json. A bundle starts
 * in about half the time that loading the packages takes; clients are evaluated when a function first calls
 * them.
 */

const [OUT = "dist", ...ONLY] = process.argv.slice(2);
const EXPORTS: Readonly<Record<string, string>> = Object.fromEntries(
  functions.map(({ name }) => [name, camel(name)]),
);

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Google's clients read their protos from files beside them, by a computed path that no bundler follows.
 * The paths are constants in the source, so the contents can stand in their place.
 */
const inlineJson: Plugin = {
  name: "inline-json",
  transform(code, id) {
    if (!/[\\/]@google-cloud[\\/]/.test(id) || !code.includes("getJSON(")) return null;
    return code.replaceAll(/getJSON\(path\.join\(dirname((?:, '[^']+')+)\)\)/g, (_, list: string) => {
      const parts = [...list.matchAll(/'([^']+)'/g)].map(([, part = ""]) => part);
      const content = JSON.stringify(JSON.parse(readFileSync(join(dirname(id), ...parts), "utf8")));
      return `JSON.parse(${JSON.stringify(content)})`;
    });
  },
};

/** CommonJS packages within the bundle ask for these three. */
const CJS_IN_ESM = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { fileURLToPath as __fileURLToPath } from "node:url";',
  "const require = __createRequire(import.meta.url);",
  "const __filename = __fileURLToPath(import.meta.url);",
  'const __dirname = __fileURLToPath(new URL("./", import.meta.url));',
].join("");

/** What has machine code for each platform can't be bundled, and is installed beside the bundle instead. */
const NATIVE: readonly string[] = ["sharp"];

const FRAMEWORK = "@google-cloud/functions-framework";
const packageJson = JSON.parse(readFileSync("package.json", "utf8"));
const packageLock = JSON.parse(readFileSync("package-lock.json", "utf8")) as LockFile;

rmSync(OUT, { recursive: true, force: true });
for (const [name, { entry }] of Object.entries(manifest.functions)) {
  if (ONLY.length === 0 || ONLY.includes(name)) await buildFunction(name, entry);
}
await buildPage("page", join(OUT, "page"));
writeFileSync(join(OUT, "openapi.json"), JSON.stringify(describeApi(endpoints)));

/**
 * A thread is begun with a file of its own, which is bundled beside the function: `new URL("./x-thread.ts",
 * import.meta.url)` names `x-thread.mjs` there.
 */
function threadsPlugin(): { readonly plugin: Plugin; readonly files: ReadonlyMap<string, string> } {
  const files = new Map<string, string>();
  const plugin: Plugin = {
    name: "threads",
    transform(code, id) {
      if (!code.includes("-thread.ts")) return null;
      return code.replaceAll(/"\.\/([a-z-]+-thread)\.ts"/g, (_, thread: string) => {
        files.set(`${thread}.mjs`, join(dirname(id), `${thread}.ts`));
        return `"./${thread}.mjs"`;
      });
    },
  };
  return { plugin, files };
}

async function buildThread(file: string, input: string): Promise<void> {
  const bundle = await rolldown({ input, platform: "node", external: [/^node:/, ...builtinModules] });
  await bundle.write({ file, format: "esm", minify: true, codeSplitting: false, banner: CJS_IN_ESM });
  await bundle.close();
}

async function buildFunction(name: string, entry: string): Promise<void> {
  const folder = join(OUT, name);
  mkdirSync(folder, { recursive: true });
  const start = `import { ${EXPORTS[name]} } from ${JSON.stringify(resolve(entry))};
import { startInstance } from ${JSON.stringify(resolve("functions/runtime/register.ts"))};
startInstance([${EXPORTS[name]}]);`;
  const threads = threadsPlugin();
  const bundle = await rolldown({
    input: "start",
    platform: "node",
    // The framework runs the bundle and holds the registry of functions, so both have to share it.
    external: [/^@google-cloud\/functions-framework/, /^node:/, ...builtinModules, ...NATIVE],
    plugins: [
      {
        name: "start",
        resolveId: (id) => (id === "start" ? "\0start.ts" : null),
        load: (id) => (id === "\0start.ts" ? { code: start, moduleType: "ts" } : null),
      },
      inlineJson,
      threads.plugin,
    ],
    logLevel: "warn",
  });
  const file = join(folder, "index.mjs");
  const { output } = await bundle.write({
    file,
    format: "esm",
    minify: true,
    codeSplitting: false,
    banner: CJS_IN_ESM,
  });
  await bundle.close();
  for (const [thread, input] of threads.files) await buildThread(join(folder, thread), input);
  const imported = new Set(
    output.flatMap((each) => (each.type === "chunk" ? [...each.imports, ...each.dynamicImports] : [])),
  );
  const manifestOfBundle = {
    name: `scrollback-${name}`,
    private: true,
    type: "module",
    main: "index.mjs",
    // The version that tests run on: "24 or later" would be whatever comes next.
    engines: { node: "24.x" },
    dependencies: Object.fromEntries(
      [FRAMEWORK, ...NATIVE.filter((each) => imported.has(each))].map((each) => [
        each,
        packageJson.dependencies[each],
      ]),
    ),
  };
  writeJson(join(folder, "package.json"), manifestOfBundle);
  writeJson(join(folder, "package-lock.json"), bundleLock(packageLock, manifestOfBundle));
  console.log(`${name.padEnd(20)} ${Math.round(statSync(file).size / 1024)} KiB`);
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
