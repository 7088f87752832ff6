import { createRequire } from "node:module";

/** Terraform's parser, as WebAssembly. */
interface Parser {
  /** A file as JSON, with its expressions as text. @throws Error when it is not HCL */
  parse(name: string, text: string): Promise<Record<string, unknown>>;
  /** The syntax tree of an expression; null for none. @throws Error when it is not an expression */
  getExpressionAst(name: string, text: string): Promise<unknown>;
}

/** Terraform's formatter, likewise. */
interface Formatter {
  format(text: string): Promise<string>;
}

// Their declarations would make the browser's types global in the whole project, so they are loaded past the
// compiler.
const require = createRequire(import.meta.url);
export const { parse, getExpressionAst } = require("@cdktf/hcl2json") as Parser;
export const { format } = require("@cdktf/hcl-tools") as Formatter;
