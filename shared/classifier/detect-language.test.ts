import { expect, test } from "vitest";
import { detectLanguage } from "./detect-language.ts";

/** Sentences that are in none of the samples. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  en: [
    "Could someone open the window?",
    "My brother works at the harbour.",
    "Which bus goes there?",
    "I forgot it.",
  ],
  de: [
    "Könntest du das Fenster öffnen?",
    "Mein Bruder arbeitet am Hafen.",
    "Welcher Bus fährt dorthin?",
    "Ich habe Hunger.",
  ],
  fr: [
    "Pourrais-tu ouvrir la fenêtre ?",
    "Mon frère travaille au port.",
    "Quel bus faut-il prendre ?",
    "J'ai faim.",
  ],
  es: [
    "¿Podrías abrir la ventana?",
    "Mi hermano trabaja en el puerto.",
    "¿Qué autobús va allí?",
    "Tengo hambre.",
  ],
  pt: [
    "Você poderia abrir a janela?",
    "O meu irmão trabalha no porto.",
    "Qual é o ônibus que vai para lá?",
    "Não tenho fome.",
  ],
  it: [
    "Potresti aprire la finestra?",
    "Mio fratello lavora al porto.",
    "Quale autobus ci va?",
    "Ho molta fame.",
  ],
  nl: [
    "Zou je het raam kunnen openen?",
    "Mijn broer werkt in de haven.",
    "Welke bus gaat daarheen?",
    "Ik heb honger.",
  ],
  pl: [
    "Czy możesz otworzyć okno?",
    "Mój brat pracuje w porcie.",
    "Który autobus tam jedzie?",
    "Jestem głodny.",
  ],
  tr: [
    "Pencereyi açar mısın?",
    "Kardeşim limanda çalışıyor.",
    "Hangi otobüs oraya gidiyor?",
    "Karnım çok aç.",
  ],
  vi: [
    "Bạn mở cửa sổ được không?",
    "Anh trai tôi làm việc ở cảng.",
    "Xe buýt nào đi đến đó?",
    "Tôi đói bụng rồi.",
  ],
  sv: ["Kan du öppna fönstret?", "Min bror arbetar i hamnen.", "Vilken buss går dit?", "Jag är hungrig."],
  ru: [
    "Открой, пожалуйста, окно.",
    "Мой брат работает в порту.",
    "Какой автобус туда едет?",
    "Я очень голоден.",
  ],
  uk: [
    "Відчини, будь ласка, вікно.",
    "Мій брат працює в порту.",
    "Який автобус туди їде?",
    "Я дуже голодний.",
  ],
  ar: ["هل يمكنك فتح النافذة؟", "يعمل أخي في الميناء.", "أنا جائع."],
  he: ["אפשר לפתוח את החלון?", "אחי עובד בנמל.", "אני רעב."],
  hi: ["क्या आप खिड़की खोल सकते हैं?", "मेरा भाई बंदरगाह पर काम करता है।"],
  ja: ["窓を開けてくれますか?", "兄は港で働いています。", "おなかがすいた。"],
  zh: ["你能打开窗户吗?", "我哥哥在港口工作。", "我饿了。"],
  ko: ["창문 좀 열어 줄래요?", "우리 형은 항구에서 일해요.", "배고파요."],
  th: ["ช่วยเปิดหน้าต่างหน่อยได้ไหม", "พี่ชายของฉันทำงานที่ท่าเรือ"],
};

test.each(Object.entries(SENTENCES))("%s is told from the others", (language, sentences) => {
  expect(sentences.map((text) => detectLanguage(text).language)).toEqual(sentences.map(() => language));
});

test("a name in another script does not change the language", () => {
  expect(detectLanguage("Was bedeutet 東京 eigentlich auf Deutsch?").language).toBe("de");
  expect(detectLanguage("GitHubとは何ですか?").language).toBe("ja");
  expect(detectLanguage("请问 TypeScript 的优点是什么?").language).toBe("zh");
});

test("what holds no words has no language, and no confidence", () => {
  for (const text of ["", "123 + 4", "🙂", "\0"]) {
    expect(detectLanguage(text)).toEqual({ language: "und", confidence: 0 });
  }
});

test("a longer text is surer than a doubtful word", () => {
  const sure = detectLanguage("Ich möchte wissen, warum der Zug heute wieder so viel Verspätung hat.");
  expect(sure.confidence).toBeGreaterThan(0.99);
  expect(detectLanguage("radio").confidence).toBeLessThan(sure.confidence);
});
