import { defineTask } from "../platform/task.ts";
import { IndexTask } from "./contract.ts";

/**
 * Writes the search entries of a chat, or of the next part of an app. The same cause and place give the same
 * task.
 */
export const indexTask = defineTask<IndexTask>({
  name: "index-messages",
  queue: "search-index",
  payload: IndexTask,
  idOf: (task) => {
    const parts =
      "rebuild" in task
        ? [task.rebuild, String(task.lane), String(task.step)]
        : [String(task.chat), task.cause, String(task.after)];
    return ["index-messages", task.app, ...parts];
  },
});
