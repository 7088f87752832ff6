import type { Body, Configuration } from "./configuration.ts";
import { evaluate, type Scope } from "./evaluate.ts";
import { compile, compileExpression } from "./expression.ts";
import type { References } from "./references.ts";

const nowhere: Scope = (name) => {
  throw new Error(`There is no ${name} in a default.`);
};
const never = (): never => {
  throw new Error("A default holds no references.");
};

/**
 * Given values over defaults, the defaults of optional attributes included. @throws Error when one is missing
 * or not known
 */
export async function variablesOf(
  configuration: Configuration,
  given: Body,
): Promise<Record<string, unknown>> {
  for (const name of Object.keys(given)) {
    if (configuration.variables[name] === undefined) throw new Error(`There is no variable ${name}.`);
  }
  const variables: Record<string, unknown> = {};
  for (const [name, body] of Object.entries(configuration.variables)) {
    if (given[name] === undefined && !Object.hasOwn(body, "default")) {
      throw new Error(`The variable ${name} is missing.`);
    }
    const value = given[name] ?? evaluate(await compile(body.default), nowhere, never);
    const optional = await optionalAttributes(String(body.type));
    variables[name] = Object.keys(optional).length === 0 ? value : { ...optional, ...(value as object) };
  }
  return variables;
}

/** The defaults in `object({ name = optional(type, default) })`. */
async function optionalAttributes(type: string): Promise<Record<string, unknown>> {
  const found = [...type.matchAll(/(\w+)\s*=\s*optional\(\w+, ([^)]+)\)/g)];
  const entries = found.map(async ([, name = "", text = ""]) => {
    return [name, evaluate(await compileExpression(text), nowhere, never)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

interface Validation {
  readonly condition: unknown;
  readonly error_message: string;
}

/** The messages of the validations that do not hold. */
export async function refusals(configuration: Configuration, references: References): Promise<string[]> {
  const messages: string[] = [];
  for (const body of Object.values(configuration.variables)) {
    for (const { condition, error_message } of (body.validation ?? []) as Validation[]) {
      if (references.value(await compile(condition)) !== true) messages.push(error_message);
    }
  }
  return messages;
}
