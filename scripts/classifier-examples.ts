import type { Lane } from "../shared/classifier/classify.ts";
import type { Labelled } from "./classifier-fit.ts";

/**
 * Questions that we make up beside the collected ones, which are about banks, travel and kitchens and hardly
 * ever ask to write, to explain or to compare. Each form stands for an intent of its own.
 */
const FORMS: Readonly<Record<Lane, readonly string[]>> = {
  slow: [
    "write an essay about {topic}",
    "write a short poem about {topic}",
    "draft an email to my team about {topic}",
    "compose a song about {topic} in three verses",
    "tell me a story about {topic}",
    "can you rewrite this paragraph about {topic} so that it sounds friendlier",
    "write a blog post on {topic} with an introduction and a conclusion",
    "explain {topic} to a ten year old",
    "explain how {topic} works in simple terms",
    "explain the history of {topic} in detail",
    "describe {topic} and give some examples",
    "teach me the basics of {topic}",
    "why does {topic} matter so much to people",
    "why do some people dislike {topic}",
    "what are the causes of {topic}",
    "what are the pros and cons of {topic}",
    "what would happen if {topic} did not exist",
    "compare {topic} with {other} and say which is better for beginners",
    "what is the difference between {topic} and {other}",
    "how are {topic} and {other} related",
    "summarize the main ideas behind {topic}",
    "summarise this text about {topic} in five points",
    "analyse the influence of {topic} on {other}",
    "discuss the ethics of {topic}",
    "make a plan for learning {topic} in four weeks",
    "help me prepare a presentation about {topic}",
    "give me ten ideas for a project about {topic}",
    "what advice would you give to somebody who starts with {topic}",
    "recommend some books on {topic} and say why",
    "how do i get better at {topic}",
    "how can i explain {topic} to my parents",
    "give me step by step instructions for {topic}",
    "translate the following sentence about {topic} into german",
    "write a python function that sorts records about {topic}",
    "write a sql query that counts customers by {topic}",
    "debug this code for {topic}, it throws an error in the second line",
    "solve this problem about {topic} and show your work",
    "prove that the sum of two even numbers is even, using {topic}",
    "brainstorm names for a company in the field of {topic}",
    "write interview questions about {topic}",
    "what should i consider before i invest in {topic}",
    "i have been struggling with {topic} for weeks. nothing that i tried has helped. what would you do?",
    "act as a teacher and quiz me on {topic}, then comment on my answers",
    "improve my cover letter, it should mention {topic}",
    "how does {topic} affect {other}",
    "how do people make a living from {topic}",
    "how did {topic} begin",
    "how has {topic} changed over the last century",
    "how could {topic} be made safer",
    "how would you teach {topic} to a class of thirty",
    "why did {topic} become so popular",
    "why is {topic} harder than {other}",
    "why can't we simply get rid of {topic}",
    "tell me a tale in which somebody discovers {topic}",
    "tell me something surprising about {topic}",
    "create a poster text for a course on {topic}",
    "create a schedule for somebody who wants to try {topic}",
    "come up with a title for an article about {topic}",
    "come up with three questions about {topic}",
    "invent a game about {topic}",
    "imagine a world without {topic} and describe a day in it",
    "think about the consequences of {topic} for {other}",
    "evaluate my idea of opening a shop for {topic}",
    "criticise this argument about {topic}",
    "help me understand {topic}",
    "help me decide between {topic} and {other}",
    "help me find the right words for a card about {topic}",
    "could you guide me through {topic}",
    "could you go through the basics of {topic} with me",
    "work out how much {topic} would cost over ten years and explain the steps",
    "outline a lecture of one hour on {topic}",
    "turn this list about {topic} into a paragraph",
    "turn my thoughts on {topic} into an article with a heading",
    "find the mistake in this program: while (i < n) { total += {topic}; }",
    "refactor this class for {topic} so that it is easier to test",
    "prove by contradiction that there is no largest number",
    "recommend three films about {topic} and give your reasons",
    "what would you say to somebody who is afraid of {topic}",
    "what can we learn from {topic}",
    "what role does {topic} play in {other}",
    "which one suits me better, {topic} or {other}, and why",
  ],
  fast: [
    "what time is it in {place}",
    "what day is it today in {place}",
    "how old is {person}",
    "who is {person}",
    "when was {person} born",
    "where is {place}",
    "what is the capital of {place}",
    "how far is {place} from here",
    "how many people live in {place}",
    "is it raining in {place}",
    "will it snow in {place} on friday",
    "turn off the lights in the {room}",
    "turn up the heating in the {room}",
    "set a timer for {number} minutes",
    "wake me up at {number}",
    "remind me to call {person} at {number}",
    "call {person}",
    "send {person} a message that i am late",
    "play something by {person}",
    "stop the music in the {room}",
    "add milk to my list",
    "delete my last note",
    "what is {number} plus {number}",
    "what is {number} times {number}",
    "what is {number} percent of {number}",
    "convert {number} miles to kilometers",
    "how many ounces are in {number} cups",
    "how do you spell {topic}",
    "what does {topic} mean",
    "define {topic}",
    "is {place} open on sundays",
    "did {person} call me",
    "what is my balance",
    "show my calendar for tomorrow",
    "cancel the meeting with {person}",
    "thanks a lot {person}",
    "hello there",
    "good morning {person}",
    "yes please",
    "no that is wrong",
    "ok",
    "never mind",
    "what did you say",
    "are you there",
    "which train goes to {place}",
    "which day is the concert in {place}",
    "what is the boiling point of water in {place}",
    "what is the population of {place}",
    "what is the name of {person}'s dog",
    "what does {person} do for a living",
    "who painted the mona lisa",
    "who won the election in {place}",
    "in which year did {person} die",
    "how high is the tower in {place}",
    "how long is the flight to {place}",
    "what is the phone number of {person}",
    "open the door of the {room}",
    "find my keys in the {room}",
    "read my last message from {person}",
    "start the washing machine in {number} minutes",
    "stop",
    "louder",
    "next",
    "that is all",
    "what is the price of a ticket to {place}",
    "when does the next bus to {place} leave",
    "when is {person}'s birthday",
    "hello. what time is it in {place}",
    "i am late. call {person}",
    "thanks. that is all for now, {person}",
    "good idea. add it to my list, please",
    "?!",
    "🙂 👍",
    "...",
  ],
};

const FILLINGS: Readonly<Record<string, readonly string[]>> = {
  topic:
    `photosynthesis,inflation,chess,the roman empire,solar power,black holes,jazz,public transport,remote work,vaccines,
    the stock market,gardening,quantum computers,democracy,climate change,beekeeping,machine learning,the cold war,sleep,
    meditation,electric cars,sourdough,copyright,relational databases,poetry,earthquakes,nutrition,football,immigration,
    encryption,marathon training,watercolours,the tides,philosophy,recursion,tourism,social media,leadership,volcanoes,
    antibiotics`.split(/,\s*/u),
  other:
    `coal,checkers,the moon,homeschooling,painting,markets,ancient greece,trains,yoga,rust,opera,taxes,glaciers,swimming`.split(
      ",",
    ),
  place:
    `paris,tokyo,new york,berlin,nairobi,lisbon,canada,the library,chicago,lima,the pharmacy,oslo,india,seoul`.split(
      ",",
    ),
  person:
    `ada,my mother,the president,tom,the manager,grace,my dentist,mozart,the landlord,bob,my boss,nina`.split(
      ",",
    ),
  room: ["kitchen", "bedroom", "hall", "office", "garage", "living room"],
  number: ["3", "7", "12", "15", "45", "99", "250", "8 30", "1000", "twenty", "six"],
};

const FILLED_PER_FORM = 24;

const ASKS = /^(?:what|why|how|who|when|where|which|is|are|will|did|does|can|could)\b/u;

/** As careful people write; the collected questions have neither capitals nor marks to learn from. */
const punctuated = (text: string): string =>
  /\p{L}$/u.test(text)
    ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${ASKS.test(text) ? "?" : "."}`
    : text;

/** The same questions every time: each form filled in turn from the lists. */
export function madeUpQuestions(): Labelled[] {
  const questions = new Map<string, Labelled>();
  for (const lane of ["slow", "fast"] as const) {
    for (const [form, words] of FORMS[lane].entries()) {
      for (let round = 0; round < FILLED_PER_FORM; round += 1) {
        let at = form * 7 + round;
        const plain = words.replaceAll(/\{(\w+)\}/gu, (_, name: string) => {
          const list = FILLINGS[name] ?? [];
          at += 3;
          return list[at % list.length] ?? "";
        });
        const text = round % 2 === 0 ? plain : punctuated(plain);
        questions.set(text, { text, lane, intent: `made up ${lane} ${form}` });
      }
    }
  }
  return [...questions.values()];
}
