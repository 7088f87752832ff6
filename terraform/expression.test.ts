import { describe, expect, test } from "vitest";
import { evaluate, type Scope, type Step } from "./checks/evaluate.ts";
import { compile } from "./checks/expression.ts";

const names: Readonly<Record<string, unknown>> = {
  people: { ada: { age: 36, pets: ["cat", "dog"] }, bob: { age: 12, pets: [] } },
  list: ["b", "a", "b"],
  text: "x",
};
const scope: Scope = (root) => {
  if (!Object.hasOwn(names, root)) throw new Error(`There is no ${root}.`);
  return names[root];
};
const step: Step = (value, key) => {
  const found = (value as Record<string | number, unknown>)[key];
  if (found === undefined) throw new Error(`There is no ${key}.`);
  return found;
};
const valueOf = async (text: unknown): Promise<unknown> => evaluate(await compile(text), scope, step);

describe("an expression", () => {
  test.each([
    ["plain text", "plain text"],
    ["${text}", "x"],
    ["a ${text} and ${1 + 2 * 3}", "a x and 7"],
    ["not one: $${text}", "not one: ${text}"],
    ['${people["ada"].pets[1]}', "dog"],
    ["${people.ada.age >= 18 && !(people.bob.age >= 18)}", true],
    ['${people.bob.age > 18 ? "adult" : "child"}', "child"],
    ["${[for name, person in people : name if person.age > 18]}", ["ada"]],
    ["${{ for name, person in people : name => person.age }}", { ada: 36, bob: 12 }],
    [
      '${{ for name, person in people : (person.age > 18 ? "old" : "young") => name... }}',
      { old: ["ada"], young: ["bob"] },
    ],
    ["${values(people)[*].age}", [36, 12]],
    ["${merge([for name in list : { (name) = 1 }]...)}", { a: 1, b: 1 }],
    ["${toset(list)}", ["a", "b"]],
    ['${join("+", concat(list, ["c"]))}', "b+a+b+c"],
    ["${try(people.carol.age, people.bob.age)}", 12],
    ["${can(people.carol)}", false],
    ['${lookup(people.ada, "height", 170)}', 170],
    ['${"quoted \\"${text}\\" within"}', 'quoted "x" within'],
    ["${-(3 % 2)}", -1],
    ['${jsonencode({ a = [true, null, "${text}"] })}', '{"a":[true,null,"x"]}'],
  ])("%s", async (text, expected) => {
    expect(await valueOf(text)).toEqual(expected);
  });

  test("blocks and lists are evaluated throughout, keys included", async () => {
    expect(await valueOf({ "${text}": [{ a: "${text}${text}" }, 2, null, false] })).toEqual({
      x: [{ a: "xx" }, 2, null, false],
    });
  });

  test.each([
    ["${nobody}", "There is no nobody"],
    ["${unknown(1)}", "The function unknown is not known"],
    ["${{ for name in list : name => 1 }}", "comes twice"],
    ["a ${people}", "No text can be made"],
    ['${regex("[0-9]+", text)}', "does not match"],
  ])("%s is refused", async (text, message) => {
    await expect(valueOf(text)).rejects.toThrow(message);
  });
});
