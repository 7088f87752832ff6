import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { foldText } from "../shared/words/fold.ts";
import { LEVELS_MAX } from "../shared/search/gram-frequency.ts";
import { gramsOf } from "../shared/words/grams.ts";

/**
 * Measures in how many messages each gram stands, over dialogues of JSON Lines (`{turns: [{text}]}`), and
 * writes the table that ships: for each level the grams of which about one message in 2^level has them.
 * `--data FILE`
 */
const { values } = parseArgs({ options: { data: { type: "string" } } });
if (values.data === undefined) throw new Error("Say which dialogues to measure: --data FILE");

const counts = new Map<string, number>();
let messages = 0;
for (const line of readFileSync(values.data, "utf8").split("\n")) {
  if (line === "") continue;
  for (const { text } of (JSON.parse(line) as { turns: { text: string }[] }).turns) {
    messages += 1;
    for (const gram of gramsOf(foldText(text))) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
}

const levels: string[][] = Array.from({ length: LEVELS_MAX + 1 }, () => []);
for (const [gram, count] of counts) levels[Math.round(Math.log2(messages / count))]?.push(gram);
const table = levels.map((grams) => grams.sort().join(" "));
writeFileSync(
  "shared/search/gram-frequencies.json",
  `${JSON.stringify({ messages, levels: table }, null, 2)}\n`,
);
process.stdout.write(
  `${messages} messages, ${levels.map((grams) => grams.length).join(" ")} grams by level\n`,
);
