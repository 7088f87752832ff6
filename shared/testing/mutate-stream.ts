import { PROVIDER_STREAMS } from "./provider-streams.ts";

/**
 * A stream of the corpus with some of its bytes cut, doubled, swapped or replaced, and again cut into parts.
 */
export function mutatedStream(random: () => number): Buffer[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const wholes = PROVIDER_STREAMS.filter(({ status }) => status === undefined);
  let bytes = Buffer.concat(pick(wholes).body.map((part) => Buffer.from(part)));
  for (let changes = 1 + Math.floor(random() * 4); changes > 0 && bytes.length > 0; changes -= 1) {
    const from = Math.floor(random() * bytes.length);
    const to = Math.min(bytes.length, from + Math.floor(random() * 40));
    const before = bytes.subarray(0, from);
    const after = bytes.subarray(to);
    bytes = Buffer.concat([before, pick(MUTATIONS)(bytes.subarray(from, to), random), after]);
  }
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * 200);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

const HOSTILE = [
  "null",
  "-1e999",
  "[[[[",
  '{"__proto__":{"content":1}}',
  '"\\ud800"',
  "\u0000",
  "\r",
  "\n\n",
  "data: [DONE]\n\n",
  "data: 1\n\n",
  'data: {"choices":{}}\n\n',
  'data: {"choices":[[]],"usage":[]}\n\n',
  'data: {"choices":[{"delta":{"content":{"text":[null,1]}}}]}\n\n',
  "<think>",
];

const MUTATIONS: readonly ((cut: Buffer, random: () => number) => Buffer)[] = [
  () => Buffer.alloc(0),
  (cut) => Buffer.concat([cut, cut]),
  (cut) => Buffer.from(cut.toReversed()),
  (cut, random) => Buffer.from(cut.map((byte) => (random() < 0.3 ? Math.floor(random() * 256) : byte))),
  (_, random) => Buffer.from(HOSTILE[Math.floor(random() * HOSTILE.length)] ?? ""),
];
