import { defineEmulator } from "../emulator.ts";
import { openModel } from "./server.ts";

export const modelEmulator = defineEmulator({
  name: "model",
  port: "model",
  files: [],
  open(kernel, { project }) {
    const model = openModel(kernel, { project });
    return { api: model, served: { listener: model.listener } };
  },
  // OpenAI's clients read this variable.
  env: (address) => ({ OPENAI_BASE_URL: `http://${address}/v1` }),
});
