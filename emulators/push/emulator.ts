import { defineEmulator } from "../emulator.ts";
import { openPush } from "./server.ts";

export const pushEmulator = defineEmulator({
  name: "push",
  port: "push",
  files: ["push.sqlite"],
  open(kernel, { folder }) {
    const push = folder.open("push.sqlite", (path) => openPush(kernel, { path }));
    return { api: push, served: { listener: push.listener }, close: push.close };
  },
  env: (address) => ({ PUSH_ENDPOINT: `http://${address}` }),
});
