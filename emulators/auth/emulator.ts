import { defineEmulator } from "../emulator.ts";
import { openAuth } from "./server.ts";

export const authEmulator = defineEmulator({
  name: "auth",
  port: "auth",
  files: ["auth.sqlite"],
  open(kernel, { folder, project }) {
    const auth = folder.open("auth.sqlite", (path) => openAuth(kernel, { path, project }));
    return { api: auth, served: { listener: auth.listener }, close: auth.close };
  },
  env: (address) => ({ FIREBASE_AUTH_EMULATOR_HOST: address }),
});
