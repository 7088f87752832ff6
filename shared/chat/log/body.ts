import type { File } from "../../files/contract.ts";
import type { Mention } from "../contract.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";

/** Who said it: a person, a server, perhaps by the name of a bot, or a model. */
export type Author = { readonly id: string; readonly bot?: string } | { readonly model: string };

/** What a message says, as opposed to where it stands. */
export interface Body {
  readonly text: string;
  readonly quote?: Quote | undefined;
  readonly forward?: Forward | undefined;
  readonly mentions?: readonly Mention[] | undefined;
  /** What comes with it, those of a forwarded message included; as they were when that was written last. */
  readonly files?: readonly File[] | undefined;
  /** What a model thought before it said this; neither searched nor given to models again. */
  readonly thinking?: Thinking | undefined;
}

export interface Thinking {
  readonly text: string;
  readonly tokens: number;
}

/** A message of the same chat that is replied to, and how it began. */
export interface Quote {
  readonly message: number;
  readonly sender: Author;
  readonly text: string;
}

/** A message of any chat, as it was when it was forwarded. */
export interface Forward {
  readonly chat: number;
  readonly message: number;
  readonly sender: Author;
  readonly text: string;
  readonly createdAt: Timestamp;
  /** What that message had forwarded itself, where it said something besides. */
  readonly of?: Forward;
}

/** All that can be found in a message: its own text, what it forwards, and the names of its files. */
export const wholeText = ({ text, forward, files = [] }: Body): string =>
  [text, ...forwardedTexts(forward), ...files.map(({ name }) => name)]
    .filter((part) => part !== "")
    .join("\n");

const forwardedTexts = (forward: Forward | undefined): string[] =>
  forward === undefined ? [] : [forward.text, ...forwardedTexts(forward.of)];

/** What is read as a message's text: its own, or what it forwards without a word. */
export const textOf = ({ text, forward }: Body): string => (text === "" ? (forward?.text ?? "") : text);

/** What stands for a message where there is room for a line: its text, or the names of its files. */
export const lineOf = (body: Body): string =>
  textOf(body) || (body.files ?? []).map(({ name }) => name).join(", ");

/**
 * The one place where message bodies turn into stored form and back; encrypting them with a person's
 * key is a change of these two functions.
 */
export const encodeBody = (body: Body): object => ({
  text: body.text,
  ...(body.quote === undefined ? {} : { quote: body.quote }),
  ...(body.forward === undefined ? {} : { forward: body.forward }),
  ...(body.mentions === undefined || body.mentions.length === 0 ? {} : { mentions: body.mentions }),
  ...(body.files === undefined || body.files.length === 0 ? {} : { files: body.files }),
  ...(body.thinking === undefined ? {} : { thinking: body.thinking }),
});

export const decodeBody = (stored: Body): Body => stored;
