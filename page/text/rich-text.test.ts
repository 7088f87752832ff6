import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, shareStage, type Visitor } from "../testing.ts";
import { hostileTexts } from "./hostile-texts.ts";

const ALLOWED =
  /^(H[1-6]|P|BR|HR|BLOCKQUOTE|UL|OL|LI|PRE|CODE|EM|STRONG|DEL|SUP|A|INPUT|TABLE|THEAD|TBODY|TR|TH|TD|SPAN|DIV|FIGURE|FIGCAPTION|BUTTON)$/;

const SAID = "# A\n\nsome **bold** words\n\n- one\n- two\n\n```js\nlet a = 1\n```\n\nthe end";
interface Kept {
  readonly lost: readonly string[];
  readonly text: string;
  readonly isSame: boolean;
}

/** What a browser makes of texts, under the page's own policy. */
describe.skipIf(!hasBrowser)("a text", () => {
  const stage = shareStage();
  let visitor: Visitor;
  beforeAll(async () => {
    visitor = await stage.visit();
    await visitor.page.evaluate(`(async () => {
      const trial = document.createElement("main");
      document.body.append(trial);
      Object.assign(window, await import("/text/rich-text.js"), { trial });
    })()`);
  });
  afterAll(async () => {
    await visitor[Symbol.asyncDispose]();
  });

  const draw = (text: string): Promise<string> =>
    visitor.page.evaluate<string>(`(() => {
      window.trial.replaceChildren(window.richText(${JSON.stringify(text)}));
      return window.trial.firstChild.innerHTML;
    })()`);

  test.each([
    ["**bold** and *italic*", "<strong>bold</strong> and <em>italic</em>"],
    ["first line\nsecond   line", "first line\nsecond   line"],
    ["`a < b`", "<code>a &lt; b</code>"],
    ["~~gone~~", "<del>gone</del>"],
    ["# Heading", "<h1"],
    ["- one\n- two", "<ul>"],
    ["- [x] done\n- [ ] open", 'type="checkbox"'],
    ["3. three\n4. four", '<ol start="3">'],
    ["> said", "<blockquote"],
    ["| a | b |\n|---|--:|\n| 1 | 2 |", '<td align="right"'],
    ["As said[^1].\n\n[^1]: By *whom*", '<p class="footnote" dir="auto"><sup>1</sup> By <em>whom</em></p>'],
    ["[here](https://a.example/b?c=d)", 'href="https://a.example/b?c=d"'],
    ["https://a.example", 'href="https://a.example"'],
    ["![a cat](https://a.example/cat.png)", ">a cat</a>"],
    ["It costs $5 and $6.", "It costs $5 and $6."],
    ["<b>as written</b>", "&lt;b&gt;as written&lt;/b&gt;"],
    ["1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"],
    ["<script>a()</script> &amp;", '<p dir="auto">&lt;script&gt;a()&lt;/script&gt; &amp;amp;</p>'],
    [
      "<div>\n  a\n</div>\n\n*b*",
      '<p dir="auto">&lt;div&gt;\n  a\n&lt;/div&gt;</p><p dir="auto"><em>b</em></p>',
    ],
    ["<!-- said -->", "&lt;!-- said --&gt;"],
    ["[a]: https://a.example", "[a]: https://a.example"],
  ])("%j is drawn", async (text, html) => {
    expect(await draw(text)).toContain(html);
  });

  test("leads out of the page without saying whence, and runs in its own direction", async () => {
    expect(await draw("[out](https://a.example)")).toContain('rel="noopener noreferrer nofollow"');
    expect(await draw("שלום")).toBe('<p dir="auto">שלום</p>');
  });

  test("has code with its colours and a button that copies it", async () => {
    await visitor.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await draw("```ts\nconst a = 1;\n  const b = 2;\n```");
    await visitor.page.locator(".hljs-keyword").first().waitFor();
    await visitor.page.locator(".copy").click();
    await visitor.page.locator(".copy", { hasText: "Copied" }).waitFor();
    expect(await visitor.page.evaluate<string>("navigator.clipboard.readText()")).toBe(
      "const a = 1;\n  const b = 2;",
    );
  });

  test("has formulas that browsers show by themselves, and leaves what can't be read as it was written", async () => {
    await draw("Then $x^2 = 4$ and\n\n$$\\frac{1}{2}$$\n\nbut $\\nothing{$ stays.");
    await visitor.page.locator("div.formula math mfrac").waitFor();
    expect(await visitor.page.locator("span.formula math msup").count()).toBe(1);
    expect(await visitor.page.locator("span.formula").last().textContent()).toContain("\\nothing{");
  });

  test("that grows keeps what is drawn, whole blocks and the words of the last", async () => {
    const kept = await visitor.page.evaluate<Kept>(`(() => {
      const element = document.createElement("div");
      window.trial.replaceChildren(element);
      const said = ${JSON.stringify(SAID)};
      const lost = [];
      for (let end = 1; end <= said.length; end += 1) {
        const before = [...element.children].slice(0, -1);
        window.drawText(element, said.slice(0, end), { isComing: true });
        if (before.some((node) => !node.isConnected)) lost.push(said.slice(0, end));
      }
      const first = element.firstElementChild;
      window.drawText(element, said, { isComing: false });
      return { lost, text: element.textContent, isSame: element.firstElementChild === first };
    })()`);
    expect(kept.lost).toEqual([]);
    expect(kept.isSame).toBe(true);
    expect(kept.text).toContain("some bold words");
  });

  test("that grows has its colours and formulas too, as far as it has come", async () => {
    await visitor.page.evaluate(`(() => {
      const element = document.createElement("div");
      window.trial.replaceChildren(element);
      const said = ${JSON.stringify("```js\nlet a = 1\n```\n\nwith $x^2$ in it\n\nand more")};
      for (let end = 1; end <= said.length; end += 1)
        window.drawText(element, said.slice(0, end), { isComing: true });
    })()`);
    await visitor.page.locator(".hljs-keyword").waitFor();
    await visitor.page.locator(".formula msup").waitFor();
    expect(await visitor.page.locator("code").textContent()).toBe("let a = 1\n");
  });

  test("of any kind runs nothing, loads nothing and looks like nothing of the page", async () => {
    const texts = hostileTexts();
    expect(texts.length).toBeGreaterThan(200);
    const asked: string[] = [];
    visitor.page.on("request", (request) => asked.push(request.url()));
    const found = await visitor.page.evaluate<{ wrong: string[]; hit: boolean }>(`(async () => {
      const wrong = [];
      for (const text of ${JSON.stringify(texts)}) {
        const element = window.richText(text);
        window.trial.replaceChildren(element);
        if (/\\w/.test(text) && element.textContent.trim() === "") wrong.push("nothing of " + text);
        for (const node of element.querySelectorAll("*")) {
          const href = node.getAttribute("href");
          const odd = node.getAttributeNames().filter((name) => /^on|^(style|src|srcset|id|name)$/.test(name));
          if (node.closest("math") === null && !${String(ALLOWED)}.test(node.tagName)) odd.push(node.tagName);
          if (href !== null && !/^(https?:|mailto:)/.test(href)) odd.push(href);
          if (odd.length > 0) wrong.push(odd.join() + " of " + text);
        }
      }
      // What any picture of theirs would have run by the time when this one, which comes last, has failed.
      await new Promise((resolve) => {
        const last = new Image();
        last.onerror = resolve;
        last.src = "data:image/png;base64,AAAA";
      });
      return { wrong, hit: "hit" in window };
    })()`);
    expect(found).toEqual({ wrong: [], hit: false });
    expect(asked.filter((url) => url.includes("a.example"))).toEqual([]);
  });

  test("of 32,000 characters is drawn in the time of a frame or two, whatever it nests", async () => {
    const texts = [
      "> ".repeat(16_000),
      "[".repeat(32_000),
      "*a ".repeat(10_000),
      `${"- ".repeat(10_000)}x`,
      "a ".repeat(16_000),
    ];
    for (const text of texts) {
      expect((await draw(text)).length).toBeGreaterThan(0);
    }
  }, 60_000);

  test("of all these has made the page complain of nothing", () => {
    expect(visitor.complaints).toEqual([]);
  });
});
