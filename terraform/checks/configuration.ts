import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "./hcl.ts";

/**
 * The body of a block: arguments by name, and nested blocks as lists, as Terraform's parser hands them out.
 */
export type Body = Readonly<Record<string, unknown>>;

/** A Terraform configuration as it is written, with all expressions still as text. */
export interface Configuration {
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, Body>>;
  readonly locals: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, Body>>;
  /** By type, then by name. */
  readonly resources: Readonly<Record<string, Readonly<Record<string, Body>>>>;
  readonly data: Readonly<Record<string, Readonly<Record<string, Body>>>>;
  readonly terraform: readonly Body[];
}

interface Parsed {
  readonly variable?: Record<string, [Body]>;
  readonly locals?: readonly Body[];
  readonly output?: Record<string, [Body]>;
  readonly resource?: Record<string, Record<string, [Body]>>;
  readonly data?: Record<string, Record<string, [Body]>>;
  readonly terraform?: readonly Body[];
}

/** @throws Error when a file is not HCL, or a name is defined twice */
export async function readConfiguration(folder: string): Promise<Configuration> {
  const files: Record<string, string> = {};
  const into = {
    variables: {} as Record<string, Body>,
    locals: {} as Record<string, unknown>,
    outputs: {} as Record<string, Body>,
    resources: {} as Record<string, Record<string, Body>>,
    data: {} as Record<string, Record<string, Body>>,
    terraform: [] as Body[],
  };
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".tf"))) {
    const text = readFileSync(join(folder, name), "utf8");
    files[name] = text;
    const parsed = (await parse(name, text)) as Parsed;
    for (const block of parsed.locals ?? []) addAll(into.locals, block);
    addAll(into.variables, bodies(parsed.variable));
    addAll(into.outputs, bodies(parsed.output));
    for (const kind of ["resource", "data"] as const) {
      const target = kind === "resource" ? into.resources : into.data;
      for (const [type, named] of Object.entries(parsed[kind] ?? {})) {
        target[type] ??= {};
        addAll(target[type], bodies(named));
      }
    }
    into.terraform.push(...(parsed.terraform ?? []));
  }
  return { folder, files, ...into };
}

/** Values for variables, as in environments/*.tfvars. */
export function readVariables(path: string): Promise<Body> {
  return parse(path, readFileSync(path, "utf8"));
}

const bodies = (named: Readonly<Record<string, readonly [Body]>> = {}): Record<string, Body> =>
  Object.fromEntries(Object.entries(named).map(([name, [body]]) => [name, body]));

function addAll(into: Record<string, unknown>, from: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(from)) {
    if (Object.hasOwn(into, name)) throw new Error(`${name} is defined twice.`);
    into[name] = value;
  }
}
