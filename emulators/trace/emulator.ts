import { defineEmulator } from "../emulator.ts";
import { openTrace } from "./server.ts";

export const traceEmulator = defineEmulator({
  name: "trace",
  port: "trace",
  files: [],
  open(kernel) {
    const trace = openTrace(kernel);
    return { api: trace, served: { listener: trace.listener } };
  },
  env: (address) => ({ TRACE_ENDPOINT: `http://${address}` }),
});
