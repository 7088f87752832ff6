import type { Message } from "../../shared/client/connect.ts";
import type { People } from "../frame/people.ts";

/** What happened to a group, in a sentence: "Ada added Bob." */
export function eventWords({ event, sender }: Message, me: string, people: People): string {
  if (event === undefined) return "";
  const nameOf = (id: string, mine: string) => (id === me ? mine : (people.known({ id }) ?? "…"));
  const actor = "id" in sender ? sender.id : "";
  const who = "id" in sender ? nameOf(actor, "You") : (people.known(sender) ?? "…");
  switch (event.type) {
    case "joined":
      return event.user === actor ? `${who} joined.` : `${who} added ${nameOf(event.user, "you")}.`;
    case "left":
      return `${nameOf(event.user, "You")} left.`;
    case "removed":
      return `${who} removed ${nameOf(event.user, "you")}.`;
    case "renamed":
      return event.title === "" ? `${who} took the title away.` : `${who} called the group “${event.title}”.`;
  }
}
