/** Texts of many kinds, each with the tokens that o200k_base counts. */
export interface TokenSample {
  readonly name: string;
  readonly text: string;
  readonly tokens: number;
}

const bytes = (count: number): Buffer =>
  Buffer.from(
    Array.from({ length: count }, (_, index) => (index * 7919 + ((index * index) % 251) * 13) % 256),
  );
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");
const articles = {
  id: "a81f",
  items: Array.from({ length: 20 }, (_, index) => ({
    sku: `SKU-${1000 + index * 37}`,
    price: { amount: 1999 + index * 13, currency: "EUR" },
    tags: ["new", "sale"],
    inStock: index % 2 === 0,
  })),
  createdAt: "2026-11-28T10:15:00.000Z",
};

export const TOKEN_SAMPLES: readonly TokenSample[] = [
  {
    name: "english",
    tokens: 45,
    text: "The harbour was quiet when the ferry came in. Nobody had expected it before noon, and the two men who usually took the ropes were still at breakfast. A boy caught the first line and held it until somebody older arrived.",
  },
  {
    name: "german",
    tokens: 49,
    text: "Der Hafen war still, als die Fähre einlief. Niemand hatte sie vor Mittag erwartet, und die beiden Männer, die sonst die Leinen nahmen, saßen noch beim Frühstück. Ein Junge fing das erste Tau und hielt es fest.",
  },
  {
    name: "french",
    tokens: 48,
    text: "Le port était calme lorsque le bac est arrivé. Personne ne l'attendait avant midi, et les deux hommes qui prenaient d'habitude les cordages étaient encore au petit déjeuner. Un garçon attrapa la première amarre.",
  },
  {
    name: "spanish",
    tokens: 48,
    text: "El puerto estaba tranquilo cuando llegó el transbordador. Nadie lo esperaba antes del mediodía, y los dos hombres que solían recoger los cabos todavía estaban desayunando. Un muchacho atrapó la primera amarra.",
  },
  {
    name: "russian",
    tokens: 64,
    text: "Гавань была тиха, когда пришёл паром. Никто не ждал его раньше полудня, и двое мужчин, обычно принимавших канаты, ещё завтракали. Мальчик поймал первый конец и держал его, пока не подошёл кто-то постарше.",
  },
  {
    name: "greek",
    tokens: 63,
    text: "Το λιμάνι ήταν ήσυχο όταν μπήκε το πλοίο. Κανείς δεν το περίμενε πριν το μεσημέρι, και οι δύο άντρες που έπαιρναν συνήθως τα σχοινιά έτρωγαν ακόμη πρωινό.",
  },
  {
    name: "arabic",
    tokens: 51,
    text: "كان الميناء هادئا عندما وصلت العبارة. لم يتوقع أحد وصولها قبل الظهر، وكان الرجلان اللذان يمسكان بالحبال عادة لا يزالان يتناولان الفطور. أمسك صبي بالحبل الأول.",
  },
  {
    name: "hebrew",
    tokens: 53,
    text: "הנמל היה שקט כשהמעבורת נכנסה. איש לא ציפה לה לפני הצהריים, ושני הגברים שלקחו בדרך כלל את החבלים עדיין אכלו ארוחת בוקר. ילד תפס את החבל הראשון.",
  },
  {
    name: "hindi",
    tokens: 58,
    text: "जब नौका आई तब बंदरगाह शांत था। किसी ने दोपहर से पहले उसकी उम्मीद नहीं की थी, और जो दो आदमी आम तौर पर रस्सियाँ पकड़ते थे वे अभी नाश्ता कर रहे थे। एक लड़के ने पहली रस्सी पकड़ ली।",
  },
  {
    name: "bengali",
    tokens: 44,
    text: "ফেরি যখন এল তখন বন্দর শান্ত ছিল। দুপুরের আগে কেউ তার আশা করেনি, আর যে দুজন লোক সাধারণত দড়ি ধরত তারা তখনও সকালের খাবার খাচ্ছিল।",
  },
  {
    name: "tamil",
    tokens: 59,
    text: "படகு வந்தபோது துறைமுகம் அமைதியாக இருந்தது. மதியத்திற்கு முன் யாரும் அதை எதிர்பார்க்கவில்லை, வழக்கமாக கயிறுகளைப் பிடிக்கும் இரண்டு ஆண்கள் இன்னும் காலை உணவு சாப்பிட்டுக் கொண்டிருந்தனர்.",
  },
  {
    name: "thai",
    tokens: 62,
    text: "ท่าเรือเงียบสงบเมื่อเรือข้ามฟากเข้ามา ไม่มีใครคาดว่าจะมาก่อนเที่ยง และชายสองคนที่มักจะรับเชือกยังกินอาหารเช้าอยู่ เด็กชายคนหนึ่งจับเชือกเส้นแรกไว้",
  },
  {
    name: "chinese",
    tokens: 65,
    text: "渡轮进港的时候，港口一片寂静。没有人料到它会在中午之前到达，平时接缆绳的两个人还在吃早饭。一个男孩接住了第一根缆绳，一直握到有大人过来。",
  },
  {
    name: "japanese",
    tokens: 76,
    text: "フェリーが入ってきたとき、港は静かだった。正午前に着くとは誰も思っておらず、いつも綱を取る二人の男はまだ朝食をとっていた。少年が最初の綱をつかんで、年上の人が来るまで持っていた。",
  },
  {
    name: "korean",
    tokens: 59,
    text: "페리가 들어왔을 때 항구는 조용했다. 정오 전에 올 것이라고는 아무도 예상하지 못했고, 평소 밧줄을 받던 두 남자는 아직 아침을 먹고 있었다. 한 소년이 첫 번째 밧줄을 잡았다.",
  },
  {
    name: "vietnamese",
    tokens: 54,
    text: "Bến cảng yên tĩnh khi chiếc phà cập bến. Không ai ngờ nó đến trước buổi trưa, và hai người đàn ông thường nhận dây vẫn còn đang ăn sáng. Một cậu bé bắt lấy sợi dây đầu tiên.",
  },
  {
    name: "turkish",
    tokens: 52,
    text: "Feribot geldiğinde liman sessizdi. Kimse onu öğleden önce beklemiyordu ve genellikle halatları alan iki adam hâlâ kahvaltıdaydı. Bir çocuk ilk halatı yakaladı ve bırakmadı.",
  },
  {
    name: "finnish",
    tokens: 50,
    text: "Satama oli hiljainen, kun lautta saapui. Kukaan ei ollut odottanut sitä ennen puoltapäivää, ja miehet, jotka tavallisesti ottivat köydet vastaan, olivat vielä aamiaisella.",
  },
  {
    name: "polish",
    tokens: 64,
    text: "Port był cichy, gdy przypłynął prom. Nikt nie spodziewał się go przed południem, a dwaj mężczyźni, którzy zwykle brali liny, jeszcze jedli śniadanie. Chłopiec złapał pierwszą linę.",
  },
  {
    name: "georgian",
    tokens: 50,
    text: "ნავსადგური წყნარი იყო, როცა ბორანი შემოვიდა. შუადღემდე მას არავინ ელოდა, და ორი კაცი, რომლებიც ჩვეულებრივ თოკებს იღებდნენ, ჯერ კიდევ საუზმობდნენ.",
  },
  {
    name: "code",
    tokens: 116,
    text: "import json\nimport sys\n\n\ndef read_rows(path):\n    with open(path, encoding='utf-8') as handle:\n        for number, line in enumerate(handle, start=1):\n            line = line.strip()\n            if not line:\n                continue\n            try:\n                yield number, json.loads(line)\n            except ValueError as error:\n                print(f'{path}:{number}: {error}', file=sys.stderr)\n\n\nif __name__ == '__main__':\n    total = sum(row['amount'] for _, row in read_rows(sys.argv[1]))\n    print(total)\n",
  },
  {
    name: "url",
    tokens: 64,
    text: "https://www.example.com/articles/2026/11/28/how-we-measure?utm_source=newsletter&utm_medium=email&id=9f8b7c6d5e4f3a2b1c0d see also http://docs.example.org/v2/reference#section-4.2",
  },
  {
    name: "sql",
    tokens: 64,
    text: "SELECT u.id, u.name, COUNT(o.id) AS orders FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.created_at > '2026-01-01' GROUP BY u.id, u.name HAVING COUNT(o.id) > 5 ORDER BY orders DESC LIMIT 50;",
  },
  {
    name: "emoji",
    tokens: 246,
    text: "😀😂🥰👍🏽🎉👨‍👩‍👧‍👦❤️🔥🙏🚀🌍🇩🇪🐱🍕☕️🤔😭💯✨🥳👩‍💻🧑‍🚀🏳️‍🌈🤷‍♂️🦄🍓🎸⚽️🚗📱😀😂🥰👍🏽🎉👨‍👩‍👧‍👦❤️🔥🙏🚀🌍🇩🇪🐱🍕☕️🤔😭💯✨🥳👩‍💻🧑‍🚀🏳️‍🌈🤷‍♂️🦄🍓🎸⚽️🚗📱😀😂🥰👍🏽🎉👨‍👩‍👧‍👦❤️🔥🙏🚀🌍🇩🇪🐱🍕☕️🤔😭💯✨🥳👩‍💻🧑‍🚀🏳️‍🌈🤷‍♂️🦄🍓🎸⚽️🚗📱",
  },
  {
    name: "capitals",
    tokens: 36,
    text: "THE HARBOUR WAS QUIET WHEN THE FERRY CAME IN. NOBODY HAD EXPECTED IT BEFORE NOON, AND THE TWO MEN WERE STILL AT BREAKFAST.",
  },
  { name: "JSON", tokens: 650, text: JSON.stringify(articles) },
  { name: "indented JSON", tokens: 1200, text: JSON.stringify(articles, null, 2) },
  { name: "Base64", tokens: 805, text: bytes(900).toString("base64") },
  { name: "hexadecimal", tokens: 560, text: bytes(500).toString("hex") },
  {
    name: "a log",
    tokens: 999,
    text: lines(
      20,
      (index) =>
        `2026-11-28T10:${10 + index}:0${index % 10}.123Z INFO  [worker-${index}] request 7f3a${index}b9c took ${index * 37}ms status=200 path=/v1/apps/demo/chats/${index}`,
    ),
  },
  {
    name: "a table",
    tokens: 399,
    text: lines(
      40,
      (index) => `${index + 1},Customer ${(index * 17) % 91},${((index * 13.37) % 500).toFixed(2)}`,
    ),
  },
  { name: "rules", tokens: 17, text: `${"-".repeat(500)}${"=".repeat(500)}` },
];
