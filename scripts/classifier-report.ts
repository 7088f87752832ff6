import { parseArgs } from "node:util";
import { scoreByWeights, trainedOn } from "../shared/classifier/by-weights.ts";
import { type ClassifierVersion, type Lane, versions } from "../shared/classifier/classify.ts";
import { detectLanguage } from "../shared/classifier/detect-language.ts";
import { readQuestion } from "../shared/classifier/features.ts";
import { type Confusion, confusionOf, latencyOf } from "../shared/classifier/measure.ts";
import { ownQuestions } from "../shared/classifier/own-questions.ts";
import { fitLanes, intentFolds, isHeldOut, type Labelled } from "./classifier-fit.ts";
import { readQuestions } from "./classifier-questions.ts";

/**
 * Prints how often both versions are right, and how long they take:
 *   npm run classifier:report -- --data questions.jsonl
 * Without data, on the questions that come with the project.
 */
const { values } = parseArgs({ options: { data: { type: "string" } } });

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(8);
const count = (number: number): string => String(number).padStart(6);

function printConfusion(name: string, { counts, accuracy, balanced, byLane }: Confusion): void {
  console.log(
    `  ${name}  accuracy ${percent(accuracy)}   fast ${percent(byLane.fast)}   slow ${percent(byLane.slow)}   balanced ${percent(balanced)}`,
  );
  console.log(`      fast told fast ${count(counts.fast.fast)}, slow ${count(counts.fast.slow)}`);
  console.log(`      slow told fast ${count(counts.slow.fast)}, slow ${count(counts.slow.slow)}`);
}

const NAMES = Object.keys(versions) as ClassifierVersion[];

function printShipped(
  title: string,
  questions: readonly { readonly text: string; readonly lane: Lane }[],
): void {
  console.log(`\n${title}: ${questions.length}`);
  for (const name of NAMES) {
    printConfusion(
      name,
      confusionOf(questions, ({ text }) => versions[name](text).lane),
    );
  }
}

/** Version 2 is learned anew for each part, from the other parts. */
function printUnseenIntents(questions: readonly Labelled[]): void {
  const folds = intentFolds(questions);
  const told = new Map<Labelled, Lane>();
  for (const fold of folds) {
    const model = fitLanes(folds.filter((other) => other !== fold).flat());
    for (const question of fold) {
      const score = scoreByWeights(readQuestion(question.text), detectLanguage(question.text), model);
      told.set(question, score > 0 ? "slow" : "fast");
    }
  }
  console.log(`\nQuestions of intents that were not learned, in five parts: ${questions.length}`);
  printConfusion(
    "v1",
    confusionOf(questions, ({ text }) => versions.v1(text).lane),
  );
  printConfusion(
    "v2",
    confusionOf(questions, (question) => told.get(question) ?? "fast"),
  );
}

function printLatency(texts: readonly string[]): void {
  console.log("\nMilliseconds a call");
  for (const name of NAMES) {
    const { p50, p95, p99 } = latencyOf(texts, versions[name]);
    console.log(`  ${name}  p50 ${p50.toFixed(3)}   p95 ${p95.toFixed(3)}   p99 ${p99.toFixed(3)}`);
  }
}

if (values.data !== undefined) {
  const { questions, sha256 } = readQuestions(values.data);
  const isLearned = sha256 === trainedOn.sha256;
  if (isLearned) printShipped("Sentences that were not learned", questions.filter(isHeldOut));
  else printShipped("Questions of another file than was learned from", questions);
  if (isLearned) printUnseenIntents(questions);
}
printShipped(
  "Our own questions, English",
  ownQuestions.filter(({ language }) => language === "en"),
);
printShipped(
  "Our own questions, other languages",
  ownQuestions.filter(({ language }) => language !== "en"),
);
const right = ownQuestions.filter(({ text, language }) => detectLanguage(text).language === language).length;
console.log(`\nLanguage told right: ${right} of ${ownQuestions.length} of our own questions`);
printLatency(
  (values.data === undefined ? ownQuestions : readQuestions(values.data).questions).map(({ text }) => text),
);
