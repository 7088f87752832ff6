import { imagesOf } from "./compose-turns.ts";
import type { AttachedImage, Turn } from "./contract.ts";

/** A turn as OpenAI's chat completions have it, and all that speak like them. */
export interface ProviderMessage {
  readonly role: Turn["role"];
  readonly content: string | readonly ProviderPart[];
}

type ProviderPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

const GONE = "[An image of this message can't be read any more.]";

/**
 * Images go as data: addresses would have to be reachable for the provider, and Ollama and others take none.
 * A turn without images stays a plain text, as some servers take nothing else.
 */
export async function providerMessage(turn: Turn): Promise<ProviderMessage> {
  const { role, content } = turn;
  const images = imagesOf(turn);
  if (images.length === 0) return { role, content };
  const parts = await Promise.all(images.map(partOf));
  return { role, content: [{ type: "text", text: content }, ...parts] };
}

async function partOf({ type, read }: AttachedImage): Promise<ProviderPart> {
  const bytes = await read();
  if (bytes === undefined) return { type: "text", text: GONE };
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return { type: "image_url", image_url: { url: `data:${type};base64,${base64}` } };
}
