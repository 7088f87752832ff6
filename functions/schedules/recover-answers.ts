import { recoverAnswers as recover } from "../../shared/assistant/recover-answers.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const recoverAnswers = scheduleFunction({
  name: "recover-answers",
  open: (deps) => () => recover(deps),
});
