/**
 * What the languages that share an alphabet look like: frequent words, then sentences of the kind that
 * people ask. Written for this purpose; detect-language.ts counts words and trigrams in them.
 */
export const LATIN = {
  en: {
    words: `the of and to in is that it was for on are with as at be this have from or had by not but what all were
      we when your can said there use an each which she he do how their if will up other about out many then them
      these so some her would make like him into time has look two more write go see number no way could people my
      than first been who its now find long down day did get come made may part i me you need should tell please
      give help does why where want know show let set turn much what's i'm don't that's it's let's thanks hello hi
      yes next last book card flight order bank account pay name call play song weather today tomorrow any
      good bad new old just also still because only over after before here am us our they`,
    text: `Could you tell me how long it takes to get there by train? I want to know what the weather will be like tomorrow.
      Please write a short letter to my landlord about the broken window. What is the difference between these two things?
      How much money do I have left? Who made you and why are you here? Set an alarm for seven in the morning.
      Let me know which of the books should be read first. There is nothing I would like more than a cup of tea.
      Where did I put my phone? My card has been stolen, what should I do now? Show me something that makes me laugh.`,
  },
  de: {
    words: `der die das und ist nicht ich zu den mit von ein eine in es auf für sich dem des im auch als an werden aus
      er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur
      bis mehr durch man sein wurde sei kann wenn mich mir mein meine dein deine du wir ihr uns was wer wann wo warum
      welche welcher welches bitte danke hallo ja nein heute morgen gestern jetzt hier dort viel viele gut schreibe
      erkläre kannst könntest möchte will soll muss gibt geht macht mach sag zeig schon sehr dann doch weil zwischen
      unterschied wetter uhr spät zeit geld tag guten keine kein`,
    text: `Kannst du mir sagen, wie lange die Fahrt mit dem Zug dauert? Ich möchte wissen, wie das Wetter morgen wird.
      Schreibe bitte einen kurzen Brief an meinen Vermieter über das kaputte Fenster. Was ist der Unterschied zwischen den beiden?
      Wie viel Geld habe ich noch auf dem Konto? Warum ist der Himmel blau und nicht grün? Stelle einen Wecker auf sieben Uhr.
      Welches von den Büchern soll ich zuerst lesen? Es gibt nichts, was ich lieber hätte als eine Tasse Tee.
      Wo habe ich mein Handy hingelegt? Meine Karte wurde gestohlen, was soll ich jetzt machen? Erzähl mir einen Witz.`,
  },
  fr: {
    words: `le la les de des du un une et est en que qui dans pour pas ce il elle on je tu nous vous ils sur au aux avec
      se sa son ses ne plus par mais ou où si leur y dont sans cette ces cet mon ma mes ton ta tes votre vos notre
      être avoir fait faire peut peux dois veux suis es sommes êtes sont ai as avons avez ont été comme tout tous très
      bien quel quelle quels quelles quand comment pourquoi combien quoi bonjour salut merci oui non s'il plaît écris
      écrivez explique moi toi lui aujourd'hui demain hier maintenant ici là temps jour entre aussi même encore
      c'est qu'est j'ai n'est d'un d'une l'heure donne dis fais`,
    text: `Peux-tu me dire combien de temps dure le trajet en train ? Je voudrais savoir quel temps il fera demain.
      Écris une courte lettre à mon propriétaire à propos de la fenêtre cassée. Quelle est la différence entre les deux ?
      Combien d'argent me reste-t-il sur mon compte ? Pourquoi le ciel est-il bleu ? Mets un réveil à sept heures du matin.
      Lequel de ces livres faut-il lire en premier ? Il n'y a rien que j'aimerais davantage qu'une tasse de thé.
      Où ai-je mis mon téléphone ? On m'a volé ma carte, que dois-je faire maintenant ? Raconte-moi une blague.`,
  },
  es: {
    words: `el la los las de del y que en un una es se no por con su para como más pero sus le ya o este sí porque esta
      entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros
      ese eso ante ellos esto mí antes algunos qué unos yo otro otras otra él tanto esa estos mucho cuál cuáles cómo
      dónde cuándo quién cuánto cuánta cuántos tengo tiene puedo puedes puede quiero quieres necesito hola gracias
      adiós hoy mañana ayer ahora aquí escribe explica dime dame haz mi mis tu tus soy eres estoy estás está son al
      hacer decir ver hora tiempo día buenos buenas`,
    text: `¿Puedes decirme cuánto tarda el viaje en tren? Quiero saber qué tiempo hará mañana.
      Escribe una carta breve a mi casero sobre la ventana rota. ¿Cuál es la diferencia entre las dos cosas?
      ¿Cuánto dinero me queda en la cuenta? ¿Por qué el cielo es azul? Pon una alarma a las siete de la mañana.
      ¿Cuál de estos libros debería leer primero? No hay nada que me guste más que una taza de té.
      ¿Dónde he dejado el teléfono? Me han robado la tarjeta, ¿qué hago ahora? Cuéntame un chiste.`,
  },
  pt: {
    words: `o a os as de do da dos das e que em um uma é não para com no na nos nas por mais se como mas foi ao ele ela
      seu sua ou ser quando muito há já está eu também só pelo pela até isso entre era depois sem mesmo aos ter seus
      quem me esse eles estão você vocês tinha foram essa num nem suas meu minha meus minhas às têm numa qual quais
      quanto quanta onde porquê porque posso pode podes quero queres preciso olá obrigado obrigada sim hoje amanhã
      ontem agora aqui escreve escreva explica explique diz diga faça tempo dia horas bom boa fazer tenho tem são
      estou então ainda uns lhe`,
    text: `Podes dizer-me quanto tempo demora a viagem de comboio? Quero saber como vai estar o tempo amanhã.
      Escreva uma carta curta ao meu senhorio sobre a janela partida. Qual é a diferença entre as duas coisas?
      Quanto dinheiro ainda tenho na conta? Por que o céu é azul? Põe um alarme para as sete da manhã.
      Qual destes livros devo ler primeiro? Não há nada de que eu goste mais do que uma chávena de chá.
      Onde deixei o telefone? Roubaram o meu cartão, o que faço agora? Você pode me contar uma piada?`,
  },
  it: {
    words: `il lo la i gli le di del della dei delle e che in un una uno è non per con si da come più ma anche sono ha
      al alla nel nella questo questa questi queste se ci suo sua o ho hai hanno abbiamo io tu lui lei noi voi loro mi
      ti cosa chi quando dove perché quale quali quanto quanta quanti posso puoi può vorrei voglio devo fare dire
      essere avere stato molto tutto tutti bene oggi domani ieri ora adesso qui ciao grazie sì scrivi spiega dimmi
      dammi fammi mio mia miei tuo tra fra sul sulla dal dalla ancora già solo c'è cos'è qual tempo giorno ore
      buongiorno prego quello quella`,
    text: `Puoi dirmi quanto dura il viaggio in treno? Vorrei sapere che tempo farà domani.
      Scrivi una breve lettera al mio padrone di casa sulla finestra rotta. Qual è la differenza tra le due cose?
      Quanti soldi mi restano sul conto? Perché il cielo è blu? Metti la sveglia alle sette di mattina.
      Quale di questi libri dovrei leggere per primo? Non c'è niente che mi piaccia più di una tazza di tè.
      Dove ho messo il telefono? Mi hanno rubato la carta, che cosa devo fare adesso? Raccontami una barzelletta.`,
  },
  nl: {
    words: `de het een en van ik te dat die in is je niet op aan met als voor zijn was er maar om hem dan zou of wat mijn
      men dit zo door over ze zich bij ook tot uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij
      nu ge geen omdat iets worden toch al waren veel meer doen toen moet ben zonder kan hun dus alles onder ja
      eens hier wie werd altijd waar waarom wanneer welke welk hoeveel kun kunt kunnen wil wilt graag hallo dank
      bedankt alsjeblieft vandaag morgen gisteren schrijf leg uit vertel geef maak zet jij jouw wij ons tijd dag goed
      goede tussen verschil`,
    text: `Kun je me vertellen hoe lang de reis met de trein duurt? Ik wil graag weten wat voor weer het morgen wordt.
      Schrijf een korte brief aan mijn huisbaas over het kapotte raam. Wat is het verschil tussen die twee?
      Hoeveel geld heb ik nog op mijn rekening? Waarom is de lucht blauw? Zet de wekker op zeven uur 's ochtends.
      Welk van deze boeken moet ik eerst lezen? Er is niets wat ik liever heb dan een kopje thee.
      Waar heb ik mijn telefoon gelegd? Mijn pas is gestolen, wat moet ik nu doen? Vertel me eens een mop.`,
  },
  pl: {
    words: `i w nie na się z do to że jest o jak ale po co tak za od czy już ja ty on ona my wy oni dla tego tym przez
      być był była było są może mogę możesz mam masz ma chcę chcesz proszę dziękuję dzień dobry cześć tak kiedy gdzie
      dlaczego kto który która które jaki jaka jakie ile mi mnie mój moja moje twój bardzo tylko jeszcze więc gdy
      jego jej ich dziś dzisiaj jutro wczoraj teraz tutaj napisz wyjaśnij powiedz pokaż zrób między różnica pogoda
      godzina czas lub oraz bez pod nad przed żeby jestem jesteś`,
    text: `Czy możesz mi powiedzieć, jak długo trwa podróż pociągiem? Chcę wiedzieć, jaka pogoda będzie jutro.
      Napisz krótki list do właściciela mieszkania o zepsutym oknie. Jaka jest różnica między tymi dwiema rzeczami?
      Ile pieniędzy zostało mi na koncie? Dlaczego niebo jest niebieskie? Ustaw budzik na siódmą rano.
      Którą z tych książek powinienem przeczytać najpierw? Nie ma nic lepszego niż filiżanka herbaty.
      Gdzie położyłem telefon? Ukradziono mi kartę, co mam teraz zrobić? Opowiedz mi dowcip.`,
  },
  tr: {
    words: `ve bir bu da de için ile ne mi mı mu mü çok daha gibi kadar var yok ben sen o biz siz onlar olan olarak ama
      en her şey sonra önce nasıl neden niçin nerede ne zaman kim hangi kaç bana sana beni seni benim senin değil
      evet hayır merhaba selam teşekkürler teşekkür ederim lütfen bugün yarın dün şimdi burada yaz açıkla söyle göster
      yap misin mısın musun istiyorum olur oldu olacak arasında fark hava saat zaman gün iyi ya veya ki çünkü hiç
      bütün tüm kendi şu diye göre ise`,
    text: `Tren yolculuğunun ne kadar sürdüğünü söyleyebilir misin? Yarın havanın nasıl olacağını bilmek istiyorum.
      Kırık pencere hakkında ev sahibime kısa bir mektup yaz. Bu iki şey arasındaki fark nedir?
      Hesabımda ne kadar para kaldı? Gökyüzü neden mavidir? Sabah yediye alarm kur.
      Bu kitaplardan hangisini önce okumalıyım? Bir bardak çaydan daha çok sevdiğim bir şey yok.
      Telefonumu nereye koydum? Kartım çalındı, şimdi ne yapmalıyım? Bana bir fıkra anlat.`,
  },
  vi: {
    words: `và của là có không cho được một người trong đã với các để này những khi đến về từ tôi bạn anh chị em nó
      chúng ta họ như nhưng thì mà ở ra vào lại còn nào gì ai đâu sao tại vì thế bao nhiêu lâu mấy hãy xin chào cảm
      ơn vâng hôm nay ngày mai qua bây giờ đây viết giải thích nói cho biết làm ơn giúp giữa khác nhau thời tiết
      giờ rất cũng nên phải muốn cần thể đang sẽ`,
    text: `Bạn có thể cho tôi biết đi tàu mất bao lâu không? Tôi muốn biết ngày mai thời tiết thế nào.
      Hãy viết một lá thư ngắn cho chủ nhà về cái cửa sổ bị vỡ. Hai thứ này khác nhau như thế nào?
      Tài khoản của tôi còn bao nhiêu tiền? Tại sao bầu trời màu xanh? Đặt báo thức lúc bảy giờ sáng.
      Tôi nên đọc quyển sách nào trước? Không có gì tôi thích hơn một tách trà.
      Tôi để điện thoại ở đâu? Thẻ của tôi bị mất cắp, bây giờ tôi phải làm gì? Kể cho tôi một câu chuyện cười.`,
  },
  sv: {
    words: `och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan hon man
      när år säger under också efter eller nu sin där vid mot ska skulle kommer ut får finns vara hade alla andra
      mycket än här då sedan över bara in blir upp även vad vem varför hur vilken vilket vilka du mig dig min mitt
      mina din ditt oss ni er hej tack ja nej snälla idag imorgon igår skriv förklara berätta visa gör ge mellan
      skillnaden väder klockan tid dag god bra vill måste måste något någon`,
    text: `Kan du säga hur lång tid tågresan tar? Jag vill veta hur vädret blir i morgon.
      Skriv ett kort brev till min hyresvärd om det trasiga fönstret. Vad är skillnaden mellan de två sakerna?
      Hur mycket pengar har jag kvar på kontot? Varför är himlen blå? Ställ väckarklockan på sju på morgonen.
      Vilken av de här böckerna ska jag läsa först? Det finns inget jag tycker mer om än en kopp te.
      Var har jag lagt min telefon? Mitt kort har blivit stulet, vad ska jag göra nu? Berätta ett skämt för mig.`,
  },
} as const;

export const CYRILLIC = {
  ru: {
    words: `и в не на что я с он как это по но они мы она из у за от то все так его бы ты вы же к до или если ещё
      когда где почему кто какой какая какие сколько мне меня мой моя мои твой был была было быть есть нет да очень
      только чтобы привет спасибо пожалуйста сегодня завтра вчера сейчас здесь напиши объясни скажи покажи сделай
      можешь могу хочу надо между разница погода время день о об для без под`,
    text: `Ты можешь сказать, сколько времени занимает поездка на поезде? Я хочу знать, какая завтра будет погода.
      Напиши короткое письмо хозяину квартиры о разбитом окне. В чём разница между этими двумя вещами?
      Сколько денег осталось на счёте? Почему небо голубое? Поставь будильник на семь утра.
      Где мой телефон? У меня украли карту, что теперь делать? Расскажи мне анекдот.`,
  },
  uk: {
    words: `і в не на що я з він як це по але вони ми вона із у за від то все так його би ти ви ж до або якщо ще
      коли де чому хто який яка які скільки мені мене мій моя мої твій був була було бути є немає ні дуже
      тільки щоб привіт дякую ласка сьогодні завтра вчора зараз тут напиши поясни скажи покажи зроби
      можеш можу хочу треба між різниця погода час день про для без під та й`,
    text: `Ти можеш сказати, скільки часу триває поїздка потягом? Я хочу знати, яка завтра буде погода.
      Напиши короткий лист власнику квартири про розбите вікно. Яка різниця між цими двома речами?
      Скільки грошей залишилося на рахунку? Чому небо блакитне? Постав будильник на сьому ранку.
      Де мій телефон? У мене вкрали картку, що тепер робити? Розкажи мені анекдот.`,
  },
} as const;
