import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fitLanes, isHeldOut } from "./classifier-fit.ts";
import { readQuestions } from "./classifier-questions.ts";

/**
 * Learns version 2 of the lane classifier from a file of questions and writes its weights:
 *   node scripts/classifier-train.ts --data questions.jsonl
 * One sentence in ten is left out, for the report. The same file gives the same weights, byte for byte.
 */
const { values } = parseArgs({ options: { data: { type: "string" } } });
if (values.data === undefined)
  throw new Error("--data names the questions: JSON lines {text, lane, intent}.");
const { questions, sha256 } = readQuestions(values.data);
const trained = questions.filter((question) => !isHeldOut(question));
const { structure, lexicon } = fitLanes(trained);

const WEIGHTS = new URL("../shared/classifier/weights/lane-v2.json", import.meta.url);
const QUANTA = 127;
// A few outliers would cost the other weights their precision, so they are cut to the range of the rest.
const sorted = Float32Array.from(lexicon, Math.abs).sort();
const most = sorted[Math.floor(sorted.length * 0.9995)] ?? 1;
const unit = most / QUANTA;
const quantised = Int8Array.from(lexicon, (weight) =>
  Math.max(-QUANTA, Math.min(QUANTA, Math.round(weight / unit))),
);

const written = {
  attribution: "Learned from CLINC150 by Larson et al., CC BY 3.0; lanes by intent.",
  trainedOn: { sha256, questions: trained.length },
  structure: Object.fromEntries(
    Object.entries(structure)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, weight]) => [name, Number(weight.toFixed(4))]),
  ),
  lexiconUnit: Number(unit.toPrecision(8)),
  lexicon: Buffer.from(quantised.buffer).toString("base64"),
};
writeFileSync(WEIGHTS, `${JSON.stringify(written, undefined, 2)}\n`);
console.log(`Learned from ${trained.length} of ${questions.length} questions.`);
