import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { TOKEN_SAMPLES } from "../../shared/testing/token-samples.ts";

test.each(TOKEN_SAMPLES)("the tokenizer counts what the sample of $name says", ({ text, tokens }) => {
  expect(encode(text)).toHaveLength(tokens);
});
