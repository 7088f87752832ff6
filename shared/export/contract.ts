import { z } from "zod";
import { Chat, Edit, Message } from "../chat/contract.ts";
import { File } from "../files/contract.ts";
import { User } from "../identity/contract.ts";
import { NewExport } from "../transfers/contract.ts";

/**
 * What an export holds, and where: docs/exports.md explains it. Paths are those in the archive, with `/`.
 * Fields may be added; those named here stay, under this version.
 */

export const EXPORT_FORMAT = "scrollback-export";
export const EXPORT_VERSION = 1;

/** Whose data an export is: all that a person has, or all of the app. */
export const ExportScope = NewExport.unwrap().shape.scope.unwrap();
export type ExportScope = z.infer<typeof ExportScope>;

/** What a finished export has come to: the file to be loaded, and its SHA-256 in hexadecimal. */
export const ExportResult = z.object({ file: z.string(), size: z.number(), sha256: z.string() });
export type ExportResult = z.infer<typeof ExportResult>;

/** `export.json`: what the archive is. An archive without it was cut off. */
export const ExportManifest = z.object({
  format: z.literal(EXPORT_FORMAT),
  version: z.literal(EXPORT_VERSION),
  scope: ExportScope,
  app: z.object({ id: z.string(), name: z.string() }),
  /** Whose it is; of an app, who asked for it. */
  person: z.object({ id: z.string(), name: z.string() }),
  begunAt: z.string(),
  /** `lost`: files whose bytes were gone when their turn came. */
  counts: z.object({
    chats: z.number(),
    messages: z.number(),
    files: z.number(),
    lost: z.number(),
    people: z.number(),
  }),
});
export type ExportManifest = z.infer<typeof ExportManifest>;

/** Somebody who is named in a chat, as they were called when it was read. */
export const ExportedName = z.object({ id: z.string(), name: z.string() });
export type ExportedName = z.infer<typeof ExportedName>;

/**
 * `chats/{number}/chat.json`: the chat as of `revision`, when its turn came, with what is the person's own in
 * it. Up to `messagesCount` its messages follow.
 */
export const ExportedChat = Chat.extend({
  people: z.array(ExportedName),
  /** What the person has begun to write in threads. */
  threadDrafts: z
    .array(z.object({ message: z.number(), text: z.string(), updatedAt: z.string() }))
    .optional(),
});
export type ExportedChat = z.infer<typeof ExportedChat>;

/** Where a message's file lies in the archive; a file whose bytes are gone has no path. */
export const ExportedAttachment = z.object({ file: z.string(), path: z.string().optional() });
export type ExportedAttachment = z.infer<typeof ExportedAttachment>;

export const ExportedMessage = Message.extend({
  /** What it said before, the oldest first. */
  edits: z.array(Edit).optional(),
  /** What the person thinks of an answer. */
  feedback: z
    .object({ value: z.enum(["up", "down"]), comment: z.string().optional(), createdAt: z.string() })
    .optional(),
  attachments: z.array(ExportedAttachment).optional(),
});
export type ExportedMessage = z.infer<typeof ExportedMessage>;

/**
 * `chats/{number}/messages-{part}.json`, parts from 1 on: messages in the order of their numbers, on whatever
 * branches, each as it was when it was read. What has changed since the chat's turn came has a higher
 * `revision` than the chat.
 */
export const ExportedMessages = z.object({
  chat: z.number(),
  part: z.number(),
  messages: z.array(ExportedMessage),
  people: z.array(ExportedName),
});
export type ExportedMessages = z.infer<typeof ExportedMessages>;

/** `chats/{number}/cut.json`: the person lost the chat while it was read; nothing after `after` is there. */
export const ExportedCut = z.object({ chat: z.number(), after: z.number() });
export type ExportedCut = z.infer<typeof ExportedCut>;

/** `files/{id}/file.json`: a file of the person's own, and where its bytes are, unless a chat has them. */
export const ExportedFile = z.object({ file: File, path: z.string().optional() });
export type ExportedFile = z.infer<typeof ExportedFile>;

/** `people/people-{part}.json`, of an app. */
export const ExportedPeople = z.object({ data: z.array(User) });

/** Where things lie in an archive. */
export const exportPaths = {
  manifest: "export.json",
  chat: (chat: number) => `chats/${chat}/chat.json`,
  messages: (chat: number, part: number) => `chats/${chat}/messages-${part}.json`,
  cut: (chat: number) => `chats/${chat}/cut.json`,
  page: (chat: number, part: number) => `chats/${chat}/${part === 1 ? "index" : `page-${part}`}.html`,
  attachment: (chat: number, message: number, name: string) => `chats/${chat}/files/${message}/${name}`,
  /** What else there is, by the name of its file. */
  list: (folder: "account" | "app" | "people", name: string) => `${folder}/${name}`,
  file: (id: string, name: string) => `files/${id}/${name}`,
  index: (part: number) => (part === 1 ? "index.html" : `index-${part}.html`),
} as const;
