import type { StatusError } from "../kernel/status-error.ts";
import { wordsOf } from "./failure.ts";

/** An element's content: text, elements by name, or several elements of one name. */
export type XmlNode =
  | string
  | number
  | boolean
  | undefined
  | { readonly [name: string]: XmlNode }
  | readonly XmlNode[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? char);

function element(name: string, node: XmlNode, attributes = ""): string {
  if (node === undefined) return "";
  if (Array.isArray(node)) return node.map((each: XmlNode) => element(name, each)).join("");
  const content =
    typeof node === "object"
      ? Object.entries(node as Record<string, XmlNode>)
          .map(([child, value]) => element(child, value))
          .join("")
      : escape(String(node));
  return `<${name}${attributes}>${content}</${name}>`;
}

const HEAD = "<?xml version='1.0' encoding='UTF-8'?>";
const NAMESPACE = " xmlns='http://doc.s3.amazonaws.com/2006-03-01'";

/** A whole document. */
export const xmlDocument = (root: string, node: XmlNode): string => HEAD + element(root, node, NAMESPACE);

/** The error's body in the XML API. */
export function xmlError(error: StatusError): string {
  const { xmlCode, details } = wordsOf(error);
  return HEAD + element("Error", { Code: xmlCode, Message: error.message, ...details });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const unescape = (text: string): string =>
  text.replaceAll(/&(#x?[0-9a-f]+|[a-z]+);/gi, (whole, entity: string) => {
    if (!entity.startsWith("#")) return ENTITIES[entity] ?? whole;
    return String.fromCodePoint(
      entity[1] === "x" ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1)),
    );
  });

/** The contents of all elements of a name, in order; none of the bodies we read nests a name in itself. */
export const elementsOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, "g"))].map(
    ([, content]) => content ?? "",
  );

/** The text of the first element of a name. */
export const textOf = (xml: string, name: string): string | undefined => {
  const content = elementsOf(xml, name)[0];
  return content === undefined ? undefined : unescape(content.trim());
};
