import type { Lane } from "./classify.ts";
import type { Language } from "./detect-language.ts";

export interface OwnQuestion {
  readonly text: string;
  readonly lane: Lane;
  readonly language: Language;
}

/**
 * Questions that we wrote to test with, a line each. Only what everybody says ("Stop.") is among the learned
 * ones too.
 */
const WRITTEN: Readonly<Partial<Record<Language, Readonly<Record<Lane, string>>>>> = {
  en: {
    slow: `Write a limerick about a cat that hates Mondays.
      Could you draft a polite reply to a customer whose parcel arrived broken?
      Explain how a refrigerator keeps things cold.
      Why do leaves change colour in autumn?
      Compare renting a flat with buying one over twenty years.
      What's the difference between a virus and a bacterium?
      Plan a three day trip to Rome with two small children.
      Write a JavaScript function that removes duplicates from an array.
      I keep waking up at four in the morning and can't fall asleep again. I tried tea and reading. What else could help?
      Give me some ideas for a cheap birthday party outdoors.
      Summarize the plot of Hamlet for somebody in a hurry.
      How do I get a red wine stain out of a white carpet?
      Translate "the meeting has been moved to Thursday" into Portuguese.
      What are the arguments for and against a four day week?
      Help me word a message to my neighbour about the noise.
      Describe the life of a medieval blacksmith.
      How does a bill become a law?
      Suggest a vegetarian menu for eight guests.
      Tell me a bedtime story with a dragon who is afraid of fire.
      Analyse the tone of this paragraph and say how I could make it warmer.
      What should I look out for when I buy a used bicycle?
      Create a weekly workout routine for someone with bad knees.
      Rewrite this sentence so that it sounds less angry.
      Why did the Roman Republic fall?
      Recommend three novels that are set in Istanbul and tell me why.
      How can I teach my dog to stop barking at the door?
      Outline a talk of fifteen minutes on the future of libraries.
      Review my résumé and tell me what is missing.
      What does this error mean and how do I fix it: TypeError: x is not a function
      Work out how long it would take to fill a pool of 50 cubic metres with a hose of 20 litres a minute, and explain each step.
      Discuss whether zoos should exist.
      Give me instructions for repotting an orchid.
      Make up a riddle about time.
      Prove that there are infinitely many primes.
      Could you walk me through setting up a home network?
      What would the world look like without money?
      Write a product description for handmade candles.
      Explain recursion as if I were six.
      How do vaccines train the immune system?
      Prepare five questions for a job interview with a nurse.
      Tell me something fascinating about octopuses.
      What's a good substitute for eggs in a cake?
      Turn these notes into a short report with headings.
      How would you explain the offside rule to a beginner?
      Compose a toast for my sister's wedding.
      What are some good places to eat noodles around here?
      Draft a contract for lending a friend my car.
      Think through the consequences of banning cars from the city centre.
      Show me how to change the tire on a truck.
      Which laptop is better for video editing, and why?
      Convert this JSON into a TypeScript interface: {"id": 1, "tags": ["a"]}
      Find the bug in this code: for (let i = 0; i <= list.length; i++) { sum += list[i]; }
      Write unit tests for a function that parses dates.
      How do central banks fight inflation?
      Suggest names for a bakery run by two brothers.
      Criticise my plan to open a café next to a university.
      Give me the history of the printing press in four paragraphs.
      Invent a board game about gardening and explain its rules.
      What advice do you have for a first time manager?
      Come up with a slogan for a tram company.
      Design a logo brief for a coffee roaster.
      How do noise cancelling headphones manage to be silent?
      I want to learn the cello at forty. Where should I begin, and what will be hard?
      Write me a letter of recommendation for a former student.
      Why does bread go stale faster in the fridge?
      What are the trade-offs between SQL and document databases?
      Put together a reading list about the silk road.
      Explain the joke in this cartoon.
      Could you proofread my essay and mark what is unclear?
      How should a small company prepare for a data breach?
      Tell me about the religion of the Vikings.
      Draw up a budget for a family of four.
      What happened during the French Revolution?
      My code throws a segmentation fault when the list is empty. Why?
      Give feedback on this opening chapter.
      Paraphrase the last paragraph for a teenager.
      How can we reduce waste in our school canteen?
      Teach me how to play the harmonica.
      Suggest a good present for a colleague who is leaving.
      What makes a great teacher?
      Sketch a plot for a crime novel set on a ferry.
      How do bees find their way home?
      Our team argues in every meeting. What could a manager do about it?
      Rank these cities by how easy it is to live there without a car, and justify the order.
      Help me write a eulogy for my grandfather.
      Why do we dream?
      Explain the difference between TCP and UDP.
      How would life change if we lived to be two hundred?
      Write a bash script that renames all photos by date.
      Could you shorten this text to a hundred words?
      What are sensible goals for my first year as a nurse?
      Suggest a route through the Alps for beginners.
      Describe the taste of cinnamon to someone who has never had any.
      Solve 3x + 7 = 22 and show every step.
      Which arguments speak against a ban on fireworks?
      Make a quiz with ten questions on European rivers.
      How can I get rid of moths in the wardrobe?
      Translate this recipe into Polish and adapt the measures.
      Tell me how the pyramids were built.
      What should be in a will?
      Imagine you are a lighthouse keeper and describe your evening.
      How do submarines stay under water?
      Could you turn my bullet points into an apology to a client?
      Why is it so hard to learn a language as an adult?
      I have two job offers, one near home and one that pays more. How would you decide?
      Give me a workout for a hotel room without equipment.
      What did the Renaissance change in the lives of ordinary people?
      Write a regular expression that matches a British postcode.
      What's wrong with this query: SELECT name FROM users GROUP BY city
      Teach me three card tricks.
      Explain why the sum of the angles of a triangle is 180 degrees.
      Propose a fair way to split the rent in our flat.
      How does a heat pump compare with a gas boiler?
      Make this announcement sound more cheerful.
      Which books should somebody read who wants to understand economics?
      What are the steps of mitosis?
      Advise me on what to wear to a winter wedding.
      How did the Beatles influence pop music?
      Find the flaw in this reasoning.
      Tell me a ghost story for a camp fire.`,
    fast: `What time is it?
      Turn on the bedroom lights.
      Set an alarm for half past six.
      Hi there!
      Thanks, that's all.
      What's 18 times 24?
      Who wrote Moby Dick?
      Is it going to rain this afternoon?
      How many grams are in a pound?
      Remind me to water the plants tonight.
      Call my dad.
      What's the capital of Mongolia?
      Play some jazz.
      Yes.
      No, the other one.
      How do you spell rhythm?
      When does the library close?
      Skip this song.
      What's my account balance?
      Cancel my three o'clock appointment.
      How tall is Mount Kenya?
      Good night.
      Add butter to the shopping list.
      What day is the 24th?
      Are you a robot?
      Where is my package?
      Flip a coin.
      How old is the queen of Denmark?
      Text Maria that I'm on my way.
      What is the exchange rate of the euro?
      Lock the front door.
      What's your name?
      How far is it to the airport?
      Repeat that, please.
      Start a timer for ten minutes.
      Is the pharmacy still open?
      Who won the match last night?
      Turn the volume down.
      What does lol stand for?
      Pay my electricity bill.
      What is on my calendar on Friday?
      Transfer fifty dollars to savings.
      ok cool
      What's the square root of 144?
      When is Easter this year?
      Did I get any new messages?
      What year did the Titanic sink?
      Speak slower.
      How many people live in Peru?
      Never mind.
      Mute the television.
      What is my PIN?
      Which bus goes to the harbour?
      How hot is it outside?
      Maybe later.
      What's the score?
      Is my flight on time?
      Find my phone.
      Who are you?
      Stop.
      What's the boiling point of alcohol?
      Book a table for two at seven.
      What's the weather like in Madrid?
      Unmute.
      Hey, how are you?
      How much is a first class stamp?
      Dim the lamp in the hallway.
      Who directed this film?
      When do the clocks change?
      Give me the phone number of the dentist.
      I said no.
      Is 97 a prime?
      What's the currency of Japan?
      Next slide, please.
      Which team does she play for?
      Snooze.
      How many calories are in a banana?
      What time zone is Denver in?
      Show my last payment.
      Good evening!
      Delete the last entry.
      Was that you?
      What's for lunch today?
      How old are you?
      Put the kettle on.
      Is tomorrow a holiday?
      Who is the mayor of London?
      How much battery is left?
      Hello again!
      Which key is G major's relative minor?
      Turn left or right?
      Undo that.
      When was the telephone invented?
      What's 15 percent of 80?
      Do you speak Greek?
      Is it spelled with one l or two?
      Where can I park?
      My name is Lena.
      Read it out loud.
      What was the name of that song?
      Show me the photos from yesterday.
      Close the blinds at nine.
      Who's at the door?
      How much does a litre of milk weigh?
      Set the oven to 180 degrees.
      What's the plural of mouse?
      Is the museum free on Sundays?
      Call me Max from now on.
      Yes, do it.
      When did my subscription start?
      What's the tallest building in Dubai?
      Good morning, any news?
      Archive this chat.
      Is it Tuesday?
      What's the wifi password?
      Wake me in twenty minutes.
      Which gate does my flight leave from?
      How many seats are left?
      You are funny.
      What is the chemical symbol of tin?
      Order another pack of coffee.
      That's wrong.`,
  },
  de: {
    slow: `Schreibe ein Gedicht über den ersten Schnee.
      Erkläre mir, wie eine Wärmepumpe funktioniert.
      Warum ist das Meer salzig?
      Was ist der Unterschied zwischen Wetter und Klima?
      Vergleiche die Vorteile von Bahn und Auto auf langen Strecken.
      Plane mir ein Wochenende in Hamburg mit Kindern.
      Wie kann ich meine Aussprache verbessern?
      Fasse den folgenden Text in drei Sätzen zusammen.
      Hast du Tipps für ein Vorstellungsgespräch?
      Übersetze diesen Brief bitte ins Englische.`,
    fast: `Wie spät ist es?
      Guten Morgen!
      Mach das Licht im Flur aus.
      Wie viel ist 17 mal 3?
      Wo ist der nächste Bahnhof?
      Danke, das reicht.
      Stell den Wecker auf sechs.
      Wie alt ist der Bundespräsident?
      Ruf meine Mutter an.
      Wie wird das Wetter heute?`,
  },
  fr: {
    slow: `Écris un poème sur la pluie à Paris.
      Explique-moi comment fonctionne un moteur électrique.
      Pourquoi le ciel est-il rouge le soir ?
      Quelle est la différence entre un roman et une nouvelle ?
      Compare les avantages du train et de l'avion.
      Planifie un week-end à Lyon avec deux enfants.
      Donne-moi des conseils pour mieux dormir.
      Résume ce texte en trois phrases, s'il te plaît.
      Traduis cette lettre en anglais.
      Comment faire une bonne pâte à crêpes ? Donne la recette.`,
    fast: `Quelle heure est-il ?
      Bonjour !
      Éteins la lumière du salon.
      Combien font 12 fois 8 ?
      Où est la gare ?
      Merci beaucoup.
      Appelle ma sœur.
      Quel âge a le président ?
      Quelle est la météo aujourd'hui ?
      Oui, c'est ça.`,
  },
  es: {
    slow: `Escribe un cuento sobre un faro abandonado.
      Explícame cómo funciona una vacuna.
      ¿Por qué los gatos ronronean?
      ¿Cuál es la diferencia entre clima y tiempo?
      Compara las ventajas de alquilar y de comprar una casa.
      Planifica un viaje de cuatro días por Andalucía.
      Dame consejos para estudiar mejor.
      Resume este artículo en cinco puntos.
      Traduce esta carta al inglés, por favor.
      ¿Cómo puedo mejorar mi letra?`,
    fast: `¿Qué hora es?
      Hola, buenos días.
      Apaga la luz de la cocina.
      ¿Cuánto es 15 por 4?
      ¿Dónde está la farmacia?
      Gracias.
      Llama a mi hermano.
      ¿Quién es el alcalde?
      Pon una alarma a las siete.
      Sí, claro.`,
  },
  it: {
    slow: `Scrivi una breve storia su un gatto in biblioteca.
      Spiegami come funziona un motore a scoppio.
      Perché il mare è salato?
      Qual è la differenza tra virus e batteri?
      Dammi qualche consiglio per dormire meglio.`,
    fast: `Che ore sono?
      Ciao!
      Spegni la luce in cucina.
      Dov'è la stazione?
      Grazie mille.`,
  },
  pt: {
    slow: `Escreva um poema sobre o outono.
      Explique como funciona um avião.
      Qual é a diferença entre clima e tempo?
      Compare as vantagens de morar no campo e na cidade.
      Resuma este texto em três frases.`,
    fast: `Que horas são?
      Olá, bom dia!
      Apaga a luz da sala.
      Quanto é 9 vezes 7?
      Obrigado.`,
  },
  nl: {
    slow: `Schrijf een gedicht over de zee.
      Kun je uitleggen hoe een warmtepomp werkt en leg uit waarom dat zuinig is?
      Waarom is gras groen?
      Wat is het verschil tussen een vlinder en een mot?
      Geef me tips om beter te slapen.`,
    fast: `Hoe laat is het?
      Hallo!
      Zet het licht uit.
      Waar is het station?
      Bedankt.`,
  },
  ru: {
    slow: `Напиши стихотворение о первом снеге.
      Объясни, как работает холодильник.
      Почему море солёное?
      В чём разница между погодой и климатом?
      Посоветуй, как лучше спать.`,
    fast: `Который час?
      Привет!
      Выключи свет на кухне.
      Сколько будет 6 на 7?
      Спасибо.`,
  },
  ko: {
    slow: `가을에 대한 시를 써 주세요, 작성 부탁해요.
      냉장고의 원리를 설명해 주세요.
      하늘은 왜 파란가요?
      기차와 비행기의 차이를 비교해 주세요.
      이 글을 세 줄로 요약해 주세요.`,
    fast: `지금 몇 시예요?
      안녕하세요.
      불 꺼줘.
      감사합니다.
      오늘 날씨 어때?`,
  },
  ja: {
    slow: `雨の日についての詩を書いてください。
      エアコンの仕組みを説明してください。
      なぜ空は青いのですか?
      電車と飛行機の違いを比較してください。
      京都を二日で回る計画を立ててください。
      よく眠るためのアドバイスをください。
      この文章を三行で要約してください。
      この手紙を英語に翻訳してください。`,
    fast: `今何時ですか?
      こんにちは。
      電気を消して。
      ありがとう。
      今日の天気は?
      駅はどこですか?
      七時にアラームをセットして。
      12かける8は?`,
  },
  zh: {
    slow: `请写一首关于秋天的诗。
      请解释一下冰箱的工作原理。
      为什么天空是蓝色的?
      请比较租房和买房的优缺点。
      帮我制定一个北京三日游计划。
      怎么做一道简单的番茄炒蛋?请给出步骤。
      请用三句话总结这篇文章。
      把这封信翻译成英文。`,
    fast: `现在几点?
      你好!
      把灯关掉,关闭客厅的灯。
      谢谢。
      今天天气怎么样?
      火车站在哪里?
      十二乘以八是多少?
      播放音乐。`,
  },
};

export const ownQuestions: readonly OwnQuestion[] = Object.entries(WRITTEN).flatMap(([language, lanes]) =>
  (Object.entries(lanes) as [Lane, string][]).flatMap(([lane, lines]) =>
    lines.split("\n").map((line) => ({ text: line.trim(), lane, language: language as Language })),
  ),
);
