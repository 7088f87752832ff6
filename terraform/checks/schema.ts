import schemas from "./schema.json" with { type: "json" };

/** What the provider's schema says of a block. Derived by derive-schema.ts. */
export interface BlockSchema {
  /** Arguments, `true` where they have to be given. */
  readonly arguments: Readonly<Record<string, boolean>>;
  readonly blocks: Readonly<Record<string, NestedSchema>>;
  /** What only reading yields, on resources themselves. */
  readonly computed?: readonly string[];
}

export interface NestedSchema extends BlockSchema {
  readonly isRequired: boolean;
  /** Whether it may stand more than once. */
  readonly isMany: boolean;
}

export interface ProviderSchema {
  readonly google: string;
  readonly time: string;
  readonly resources: Readonly<Record<string, BlockSchema>>;
  readonly data: Readonly<Record<string, BlockSchema>>;
}

export const providerSchema: ProviderSchema = schemas;

/** Known to Terraform itself, on every resource. */
const META_ARGUMENTS = new Set(["for_each", "count", "provider", "depends_on"]);
const META_BLOCKS = new Set(["lifecycle", "dynamic"]);

type Body = Readonly<Record<string, unknown>>;

/**
 * What is wrong with a block as it is written: unknown and missing arguments and blocks. Empty when nothing
 * is.
 */
export function problemsOf(body: Body, schema: BlockSchema, at: string, isResource = true): string[] {
  const dynamic = (body.dynamic ?? {}) as Record<string, readonly { readonly content: readonly Body[] }[]>;
  const problems: string[] = [];
  for (const [name, value] of Object.entries(body)) {
    if (name === "dynamic" || (isResource && (META_ARGUMENTS.has(name) || META_BLOCKS.has(name)))) continue;
    const block = schema.blocks[name];
    if (block !== undefined) {
      problems.push(...blockProblems(value, block, `${at}.${name}`));
    } else if (!Object.hasOwn(schema.arguments, name)) {
      problems.push(`${at} has no argument "${name}"`);
    }
  }
  for (const [name, blocks] of Object.entries(dynamic)) {
    const block = schema.blocks[name];
    if (block === undefined) problems.push(`${at} has no block "${name}"`);
    else {
      for (const { content } of blocks) problems.push(...blockProblems(content, block, `${at}.${name}`));
    }
  }
  for (const [name, isRequired] of Object.entries(schema.arguments)) {
    if (isRequired && !Object.hasOwn(body, name)) problems.push(`${at} lacks the argument "${name}"`);
  }
  for (const [name, { isRequired }] of Object.entries(schema.blocks)) {
    if (isRequired && !Object.hasOwn(body, name) && !Object.hasOwn(dynamic, name)) {
      problems.push(`${at} lacks the block "${name}"`);
    }
  }
  return problems;
}

function blockProblems(value: unknown, schema: NestedSchema, at: string): string[] {
  if (!Array.isArray(value) || value.some((each) => typeof each !== "object")) {
    return [`${at} is a block and stands as an argument`];
  }
  const problems = (value as Body[]).flatMap((body) => problemsOf(body, schema, at, false));
  if (value.length > 1 && !schema.isMany) problems.push(`${at} stands ${value.length} times`);
  return problems;
}

/** Whether a resource has an attribute: one that can be set, a block, or one that only reading yields. */
export const hasAttribute = (schema: BlockSchema, name: string): boolean =>
  name === "id" ||
  Object.hasOwn(schema.arguments, name) ||
  Object.hasOwn(schema.blocks, name) ||
  (schema.computed?.includes(name) ?? false);
