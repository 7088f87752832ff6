import { dirname, join, relative, sep } from "node:path/posix";
import { sep as systemSep } from "node:path";
import {
  FIRESTORE_FILES,
  FIRESTORE_MODULE,
  LAYERS,
  type Layer,
  PLATFORM_FOLDER,
  PLATFORM_PACKAGES,
} from "./layers.ts";

/**
 * Why a file may not import a specifier, or undefined where it may. Paths are relative to the project's root,
 * with slashes. The rule of oxlint below asks for each import; tests may import anything.
 */
export function importViolation(file: string, specifier: string): string | undefined {
  const from = folderOf(file);
  if (from === undefined || isTest(file)) return undefined;
  if (isContract(file) && specifier !== "zod" && !isContract(join(dirname(file), specifier))) {
    return "A contract imports nothing but zod and other contracts.";
  }
  if (!specifier.startsWith(".")) return packageViolation(from, specifier);
  // Data, the manifest above all, belongs to whoever reads it.
  if (specifier.endsWith(".json")) return undefined;
  const target = join(dirname(file), specifier);
  const to = folderOf(target);
  if (to === undefined) return undefined;
  if (target === FIRESTORE_MODULE && from !== PLATFORM_FOLDER && !speaksFirestore(file)) {
    return `Only stores and the files of FIRESTORE_FILES (scripts/layers.ts) import ${FIRESTORE_MODULE}.`;
  }
  return from === to ? undefined : orderViolation(from, to, target);
}

/** The error of a source file in a folder that the list of layers lacks. */
export function layerMissing(file: string): string | undefined {
  const isInFolder = file.includes(sep);
  return isInFolder && folderOf(file) === undefined
    ? `${dirname(file)} stands in no layer; scripts/layers.ts lists them all.`
    : undefined;
}

const FOLDERS: ReadonlyMap<string, Layer> = new Map(
  LAYERS.flatMap((layer) => layer.folders.map((folder) => [folder, layer] as const)),
);

/** The deepest listed folder that holds the path. `shared` itself is not listed, so each domain has to be. */
function folderOf(path: string): string | undefined {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    if (FOLDERS.has(folder)) return folder;
  }
  return undefined;
}

function packageViolation(from: string, specifier: string): string | undefined {
  const isProduction = /^(shared|functions)\b/.test(from) && from !== "shared/testing";
  const isPlatforms = PLATFORM_PACKAGES.some(
    (name) => specifier === name || specifier.startsWith(`${name}/`),
  );
  return isProduction && isPlatforms && from !== PLATFORM_FOLDER
    ? `Only ${PLATFORM_FOLDER} imports ${specifier}.`
    : undefined;
}

function orderViolation(from: string, to: string, target: string): string | undefined {
  const layer = FOLDERS.get(from);
  const rank = LAYERS.findIndex(({ folders }) => folders.includes(from));
  const isEarlier = LAYERS.slice(0, rank).some(({ folders }) => folders.includes(to));
  const isAllowed = layer?.imports === undefined ? isEarlier : layer.imports.includes(to);
  if (!isAllowed) return `${from} does not import ${to}: arrows point one way (scripts/layers.ts).`;
  if (layer?.contractsOnly && !isContract(target)) return `${from} imports only the contracts of ${to}.`;
  return undefined;
}

const isTest = (file: string): boolean => /\.test\.ts$|(^|\/)testing(\.ts$|\/)/.test(file);
const isContract = (file: string): boolean => /^shared\/[^/]+\/contract\.ts$/.test(file);
const speaksFirestore = (file: string): boolean =>
  /(^|\/)store\.ts$/.test(file) || FIRESTORE_FILES.includes(file);

interface SourceNode {
  readonly source: { readonly value?: unknown } | null;
}

interface RuleContext {
  readonly filename: string;
  readonly cwd: string;
  report(found: { message: string; node: unknown }): void;
}

const order = {
  create(context: RuleContext) {
    const file = relative(context.cwd, context.filename).split(systemSep).join(sep);
    const check = (node: SourceNode): void => {
      const specifier = node.source?.value;
      const message = typeof specifier === "string" ? importViolation(file, specifier) : undefined;
      if (message !== undefined) context.report({ message, node });
    };
    return {
      Program(node: unknown): void {
        const message = layerMissing(file);
        if (message !== undefined) context.report({ message, node });
      },
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      TSImportType: check,
    };
  },
};

/** The plugin that .oxlintrc.json names. */
export default { meta: { name: "layers" }, rules: { order } };
