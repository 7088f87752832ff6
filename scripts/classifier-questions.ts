import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Labelled } from "./classifier-fit.ts";

const Line = z.object({
  text: z.string().min(1),
  lane: z.enum(["fast", "slow"]),
  intent: z.string().optional(),
});

export interface QuestionFile {
  readonly questions: readonly Labelled[];
  /** Of the file's bytes: tells whether weights were learned from just this file. */
  readonly sha256: string;
}

/** Reads questions as JSON lines, `{text, lane, intent?}`. */
export function readQuestions(path: string): QuestionFile {
  const bytes = readFileSync(path);
  const lines = bytes.toString("utf8").split("\n");
  const questions = lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const parsed = Line.safeParse(parseJson(line));
    if (!parsed.success) throw new Error(`${path}:${index + 1} is no question: ${parsed.error.message}`);
    return [parsed.data];
  });
  return { questions, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
