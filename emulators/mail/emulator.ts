import { defineEmulator } from "../emulator.ts";
import { openMail } from "./server.ts";

export const mailEmulator = defineEmulator({
  name: "mail",
  port: "smtp",
  files: ["mail.sqlite"],
  open(kernel, { folder }) {
    const mail = folder.open("mail.sqlite", (path) => openMail(kernel, { path }));
    return { api: mail, served: { listen: mail.listen }, close: mail.close };
  },
  env: (address) => ({ SMTP_URL: `smtp://${address}` }),
});
