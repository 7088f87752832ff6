import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfiguration } from "./configuration.ts";
import type { BlockSchema, NestedSchema } from "./schema.ts";

/**
 * `node terraform/checks/derive-schema.ts FOLDER` writes schema.json anew: what the providers' schemas say of
 * the resources that the configuration uses. FOLDER holds the typed bindings, which are made from the
 * providers themselves and are too large to depend on (500 MB):
 *
 *     npm install --prefix FOLDER --legacy-peer-deps \
 *       @cdktf/provider-google@16.12.1 @cdktf/provider-google-beta@16.12.1 @cdktf/provider-time@11.0.1
 *
 * Nobody makes them any more: the last are those of the provider's version 6.50. What versions 7 have beyond
 * it stands in LATER.
 *
 * Then `npm run format`. Declarations hold all that is needed: an interface for each block, a question mark
 * on what is optional, the name in Terraform as the anchor of the link to the documentation, the word "block"
 * in the comment, and a getter for whatever can be read.
 */

interface Property {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isBlock: boolean;
  readonly type: string;
}

/**
 * Arguments that the provider has had since version 7, by the block that they stand in. Of what 7.0 has
 * removed the configuration uses nothing: every argument of its resources was looked up in the bindings of
 * @pulumi/gcp 9.37, which are made from a version 7.
 */
const LATER: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  google_cloud_run_v2_service: { scaling: ["max_instance_count"] },
};

const PROPERTY = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*readonly (\w+)(\?)?: ([^;]+|\{[^}]*\});/g;
const INTERFACE = /export interface (\w+)(?: extends [\w.]+)? \{\n([\s\S]*?)\n\}/g;

function deriveBlock(declarations: string, interfaceName: string, isSeen: ReadonlySet<string>): BlockSchema {
  const found = [...declarations.matchAll(INTERFACE)].find(([, name]) => name === interfaceName);
  if (found === undefined) throw new Error(`There is no interface ${interfaceName}.`);
  const schema = { arguments: {} as Record<string, boolean>, blocks: {} as Record<string, NestedSchema> };
  for (const property of propertiesOf(found[2] ?? "")) {
    if (!property.isBlock) {
      schema.arguments[property.name] = property.isRequired;
      continue;
    }
    const target = /^\w+/.exec(property.type)?.[0] ?? "";
    if (isSeen.has(target)) continue;
    schema.blocks[property.name] = {
      isRequired: property.isRequired,
      isMany: property.type.includes("[]"),
      ...deriveBlock(declarations, target, new Set([...isSeen, target])),
    };
  }
  return schema;
}

function propertiesOf(body: string): Property[] {
  return [...body.matchAll(PROPERTY)].map(([, comment = "", , optional, type = ""]) => ({
    name: /#(\w+) \w+#\w+\}/.exec(comment)?.[1] ?? "",
    isRequired: optional === undefined,
    isBlock: /^\s*\* \w+ block$/m.test(comment),
    type: type.trim(),
  }));
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (char) => `_${char.toLowerCase()}`);

function derive(folder: string, provider: string, name: string): BlockSchema {
  const library = libraryOf(folder, provider);
  const module = name.replaceAll("_", "-");
  const declarations = readdirSync(join(library, module), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".d.ts"))
    .map((file) => readFileSync(join(library, module, file), "utf8"))
    .join("\n");
  const main = /export interface (\w+Config) extends cdktf\.TerraformMetaArguments/.exec(declarations)?.[1];
  if (main === undefined) throw new Error(`${name} declares no configuration.`);
  const [, resource = ""] = declarations.split(/extends cdktf\.Terraform(?:Resource|DataSource) \{/);
  const getters = [...resource.matchAll(/^ {4}get (\w+)\(\)/gm)].map(([, getter = ""]) => snakeCase(getter));
  const schema = deriveBlock(declarations, main, new Set());
  const computed = getters.filter((getter) => !getter.endsWith("_input") && !(getter in schema.arguments));
  return { ...schema, computed: computed.filter((getter) => !(getter in schema.blocks)) };
}

const providerOf = (type: string): string => type.split("_", 1)[0] ?? "";

const libraryOf = (folder: string, provider: string): string =>
  join(folder, "node_modules/@cdktf", `provider-${provider}`, "lib");

/** What only the beta provider makes comes from its bindings, which say its provider's name in full. */
function bindingsOf(folder: string, type: string, name: string): [provider: string, name: string] {
  const provider = providerOf(type);
  const isThere = existsSync(join(libraryOf(folder, provider), name.replaceAll("_", "-")));
  return isThere ? [provider, name] : [`${provider}-beta`, type];
}

function withLater(type: string, schema: BlockSchema): BlockSchema {
  const blocks = { ...schema.blocks };
  for (const [name, added] of Object.entries(LATER[type] ?? {})) {
    const block = blocks[name];
    if (block === undefined) throw new Error(`${type} has no block ${name}.`);
    const later = Object.fromEntries(added.map((argument) => [argument, false]));
    blocks[name] = { ...block, arguments: { ...block.arguments, ...later } };
  }
  return { ...schema, blocks };
}

function deriveAll(folder: string, types: readonly string[], prefix: string): Record<string, BlockSchema> {
  return Object.fromEntries(
    [...types].sort().map((type) => {
      const provider = providerOf(type);
      // The bindings leave the provider's name out for resources and keep it for data sources.
      const name = prefix === "" ? type.slice(provider.length + 1) : `${prefix}${type}`;
      return [type, withLater(type, derive(folder, ...bindingsOf(folder, type, name)))];
    }),
  );
}

/** The version of the provider that the bindings were made from stands in their description. */
function versionOf(folder: string, provider: string): string {
  const readme = readFileSync(join(folder, `node_modules/@cdktf/provider-${provider}/README.md`), "utf8");
  return /provider version ([\d.]+)/.exec(readme)?.[1] ?? "";
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder that the bindings are installed in.");
const { resources, data } = await readConfiguration("terraform");
const schema = {
  google: versionOf(folder, "google"),
  time: versionOf(folder, "time"),
  resources: deriveAll(folder, Object.keys(resources), ""),
  data: deriveAll(folder, Object.keys(data), "data_"),
};
writeFileSync("terraform/checks/schema.json", `${JSON.stringify(schema)}\n`);
