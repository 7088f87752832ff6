/**
 * Words that say what kind of answer is wanted, in the languages that people write most. A cue means the
 * same in each of them, so what is learned about it from English questions holds for the others.
 * A low line stands for a space.
 */
const CUE_WORDS = {
  compose: `write draft compose essay poem story article letter email_to blog speech haiku lyrics rewrite paraphrase
    sketch invent imagine create craft formulate make_up come_up_with put_together draw_up wording toast eulogy slogan
    caption dialogue script_for screenplay chapter plot lesson quiz worksheet
    schreib schreibe schreiben verfasse entwirf aufsatz gedicht geschichte brief rede
    écris écrivez écrire rédige rédigez rédiger poème histoire lettre discours dissertation
    escribe escribir escriba redacta redactar poema ensayo carta historia cuento discurso
    escreve escreva escrever redija redação conto scrivi scrivere componi poesia lettera racconto tema
    schrijf schrijven gedicht verhaal opstel brief napisz napisać wiersz opowiadanie list esej yaz yazın şiir hikaye mektup
    viết thơ truyện skriv dikt berättelse brev uppsats напиши написать сочини стихотворение рассказ письмо эссе
    написати вірш оповідання лист اكتب قصيدة قصة رسالة מכתב כתוב שיר סיפור लिखो लिखिए कविता कहानी निबंध`,
  explain: `explain describe elaborate interpret illustrate clarify understand meaning_of how_does how_do_the how_did
    how_is_it how_are_the how_do how_did how_were how_was_the how_would how_could how_has how_have how_come tell_me_how
    tell_me_why show_me_how what_makes what_happens what_happened what_would what_causes overview introduction_to tell_me_about tell_me_more teach_me walk_me background
    erkläre erklär erklären beschreibe beschreiben wie_funktioniert wie_funktionieren wie_entsteht bedeutung erläutere
    explique expliquer expliquez décris décrivez décrire comment_fonctionne comment_fonctionnent
    explica explicar explícame describe describir cómo_funciona cómo_funcionan explicame
    explique explicar descreve descreva como_funciona como_funcionam spiega spiegami spiegare descrivi come_funziona
    leg_uit uitleggen beschrijf hoe_werkt hoe_werken wyjaśnij wytłumacz opisz jak_działa jak_działają
    açıkla anlat nasıl_çalışır tarif giải_thích mô_tả förklara beskriv hur_fungerar объясни объяснить опиши как_работает
    поясни пояснити як_працює опиши اشرح صف תסביר הסבר תאר समझाओ समझाइए`,
  why: `why reason reasons cause causes purpose_of warum wieso weshalb grund pourquoi raison por_qué razón por_que
    porquê perché motivo waarom reden dlaczego neden niçin tại_sao vì_sao varför почему зачем чому навіщо لماذا למה क्यों`,
  compare: `compare comparison versus vs difference differences pros_and advantages disadvantages better_than which_is_better
    vergleiche vergleich unterschied unterschiede vorteile nachteile compare comparer comparez différence avantages
    compara comparar diferencia diferencias ventajas compare diferença diferenças vantagens confronta differenza vantaggi
    vergelijk verschil voordelen porównaj różnica różnice zalety karşılaştır fark avantajları so_sánh khác_nhau
    jämför skillnad skillnaden сравни сравнить разница преимущества порівняй різниця переваги قارن الفرق השווה ההבדל तुलना अंतर`,
  plan: `plan planning itinerary strategy roadmap organize organise prepare outline design develop budget goals schedule_for routine program_for
    plane planen reiseplan strategie vorbereiten organisiere planifie planifier itinéraire stratégie organise préparer
    planea planificar planifica itinerario estrategia organiza planeja planejar roteiro pianifica itinerario organizza
    plan reisplan zaplanuj planla program lên_kế_hoạch planera спланируй план маршрут сплануй خطط خطة תכנן योजना`,
  translate: `translate translation how_do_you_say how_do_i_say how_would_i_say how_to_say übersetze übersetzen übersetzung
    traduis traduire traduisez traduction traduce traducir traduzca traducción traduz traduza traduzir tradução traduci
    tradurre traduzione vertaal vertalen przetłumacz çevir dịch översätt переведи перевести переклади ترجم תרגם अनुवाद`,
  code: `code function script regex sql python javascript typescript java rust html css algorithm debug bug compile
    query api json unit_test program_that bash shell refactor interface class regular_expression compiler stack_trace error_message quellcode funktion programmiere fonction código función função funzione
    codice functie kod kodu fonksiyon funkcję hàm функцию код скрипт алгоритм`,
  suggest: `suggest suggestion suggestions recommend recommendation recommendations ideas idea advice tips improve best_way
    should_i we_should could_i_do could_we_do help_me help_us what_should where_should what_can_i_make good_places alternatives substitute instead_of
    schlag vorschläge vorschlag empfiehl empfehlung empfehlungen ideen tipps ratschlag verbessern sollte_ich soll_ich
    suggère suggérer recommande recommander idées conseils conseil améliorer devrais-je
    sugiere sugerir recomienda recomendar ideas consejos consejo mejorar debería sugere sugira recomenda recomende ideias
    dicas melhorar suggerisci consiglia consigliami idee consigli migliorare stel_voor aanbevelen aanraden ideeën tips
    verbeteren zaproponuj polecasz poleć pomysły wskazówki öner öneri öneriler tavsiye fikir gợi_ý đề_xuất lời_khuyên
    föreslå rekommendera idéer råd посоветуй порекомендуй предложи советы идеи порадь запропонуй поради ідеї
    اقترح نصائح הצע המלץ טיפים सुझाव`,
  summarise: `summarize summarise summary analyze analyse analysis review evaluate critique discuss argue key_points
    rank assess judge proofread shorten condense edit correct rephrase reword justify criticise criticize feedback comment
    arguments argument interpret consequences implications key_takeaways
    fasse_zusammen zusammenfassung analysiere bewerte diskutiere résume résumer résumé analyse analyser évalue
    resume resumir resumen analiza analizar evalúa resuma resumo analise avalie riassumi riassunto analizza valuta
    vat_samen samenvatting analyseer bespreek podsumuj streść przeanalizuj oceń özetle özet analiz tóm_tắt phân_tích
    sammanfatta analysera кратко перескажи проанализируй резюме підсумуй проаналізуй لخص حلل סכם נתח सारांश विश्लेषण`,
  howTo: `how_do_i how_can_i how_to how_should how_would steps step_by instructions guide solve prove derive show_every show_your work_out walk_through walk_me fix repair build recipe directions tutorial procedure
    wie_kann wie_mache wie_macht wie_baue wie_bekomme anleitung rezept schritte schritt comment_faire comment_puis-je
    comment_je comment_peut-on recette étapes guide cómo_puedo cómo_hago cómo_se receta pasos guía como_posso como_faço
    como_se receita passos come_posso come_faccio come_si ricetta passaggi hoe_kan_ik hoe_maak hoe_moet recept stappen
    jak_mogę jak_zrobić przepis krok nasıl_yapılır nasıl_yaparım tarifi adım làm_thế_nào cách_làm công_thức hur_gör
    hur_kan steg recept как_сделать как_мне рецепт пошагово как_приготовить як_зробити як_мені рецепт كيف_يمكنني وصفة
    איך_אפשר מתכון कैसे विधि`,
  enumerate: `list lists examples ingredients top_ten top_5 options ways_to things_to liste beispiele zutaten möglichkeiten
    exemples ingrédients listes lista ejemplos ingredientes opciones exemplos opções elenco esempi ingredienti opzioni
    lijst voorbeelden ingrediënten wymień przykłady składniki listele örnekler malzemeler liệt_kê ví_dụ nguyên_liệu
    lista exempel ingredienser перечисли список примеры ингредиенты перелічи приклади інгредієнти قائمة أمثلة רשימה सूची`,
  fun: `joke jokes fun_fact trivia funny interesting riddle witz witze blague drôle anecdote chiste chistes gracioso curioso
    piada engraçado barzelletta divertente mop grap dowcip żart fıkra şaka chuyện_cười skämt шутку анекдот жарт نكتة בדיחה चुटकुला`,
  command: `turn set play call remind cancel add remove delete open close stop pause start skip send text book reserve pay
    transfer change switch update check confirm find schedule order lower raise increase decrease mute freeze reset sync
    schalte stelle stell spiel spiele ruf rufe erinnere lösche öffne schließe stopp sende bestelle bezahle ändere
    allume éteins mets joue appelle rappelle annule ajoute supprime ouvre ferme arrête envoie commande paie réserve
    enciende apaga pon reproduce llama recuérdame cancela añade borra abre cierra para envía pide paga reserva cambia
    liga desliga toca chama lembra cancela adiciona abre fecha envia paga accendi spegni metti suona chiama ricordami
    annulla aggiungi apri chiudi invia paga zet speel bel herinner annuleer voeg verwijder stuur włącz wyłącz ustaw
    zagraj zadzwoń przypomnij anuluj dodaj usuń wyślij aç kapat kur çal ara hatırlat iptal ekle sil gönder bật tắt đặt
    mở gọi nhắc hủy thêm sätt spela ring påminn avbryt skicka включи выключи поставь позвони напомни отмени добавь удали
    отправь увімкни вимкни постав подзвони нагадай скасуй додай видали شغل أوقف اتصل ذكرني הדלק כבה התקשר הזכר चलाओ बंद`,
  lookup: `what_time what_day what_date weather temperature forecast how_much how_many how_far how_long how_old when_is when_does
    where_is where_are who_is what_is_my what's_my balance due number status open_until price cost
    wie_spät wie_viel wie_viele wie_alt wie_weit wie_lange wetter uhrzeit wann_ist wo_ist wer_ist kontostand
    quelle_heure combien météo quand_est où_est qui_est quel_âge solde qué_hora cuánto cuánta cuántos cuántas clima
    cuándo_es dónde_está quién_es saldo que_horas quanto quantos onde_está quem_é che_ore quanti quanto dov'è chi_è
    hoe_laat hoeveel weer waar_is wie_is która_godzina ile gdzie_jest kto_to pogoda saat_kaç kaç hava_nasıl nerede
    mấy_giờ bao_nhiêu thời_tiết ở_đâu vad_är_klockan hur_mycket väder var_är сколько который_час погода где_находится
    скільки котра_година де_знаходиться كم الساعة الطقس أين כמה מה_השעה איפה कितना कितने मौसम कहाँ`,
  courtesy: `hello hi hey thanks thank_you bye goodbye yes no ok okay sure yeah yep nope please maybe nice_to good_morning
    good_night hallo danke tschüss ja nein guten_morgen guten_tag bonjour salut merci oui non au_revoir bonsoir
    hola gracias adiós sí buenos_días buenas_tardes olá obrigado obrigada tchau sim bom_dia ciao grazie buongiorno
    arrivederci hoi dank bedankt doei cześć dziękuję dzień_dobry tak merhaba selam teşekkürler evet hayır günaydın
    chào cảm_ơn vâng hej tack hejdå привет спасибо пока да нет здравствуйте привіт дякую так ні مرحبا شكرا نعم
    שלום תודה כן नमस्ते धन्यवाद`,
} as const;
export type Cue = keyof typeof CUE_WORDS;
export const CUES = Object.keys(CUE_WORDS) as readonly Cue[];

/** The same for languages that write no spaces between words. */
const CUE_CHARACTERS: readonly (readonly [Cue, RegExp])[] = [
  [
    "compose",
    /書いて|作文|小説|物語|詩を|手紙|執筆|写一|写封|写篇|写首|撰写|作文|诗|故事|써\s?줘|써주세요|작성|เขียน/u,
  ],
  [
    "explain",
    /説明|教えて.*(?:仕組み|について)|仕組み|どのように|意味|解释|說明|说明|介绍|原理|怎么工作|如何运作|설명|원리|อธิบาย/u,
  ],
  ["why", /なぜ|どうして|理由|原因|为什么|為什麼|왜|이유|ทำไม/u],
  ["compare", /比較|比べ|違い|比较|区别|差异|비교|차이|เปรียบเทียบ/u],
  ["plan", /計画|プラン|旅程|计划|规划|行程|계획|일정을 짜|วางแผน/u],
  ["translate", /翻訳|訳して|翻译|번역|แปล/u],
  ["code", /コード|関数|プログラム|代码|函数|程序|코드|함수|โค้ด/u],
  ["suggest", /おすすめ|提案|アイデア|アドバイス|推荐|建议|主意|추천|제안|조언|แนะนำ/u],
  ["summarise", /要約|まとめて|分析|总结|概括|摘要|요약|분석|สรุป/u],
  ["howTo", /方法|作り方|やり方|手順|レシピ|怎么做|如何|步骤|食谱|方法|어떻게|방법|레시피|วิธี/u],
  ["enumerate", /リスト|列挙|例を|材料|列出|清单|例子|목록|예를|รายการ/u],
  ["fun", /冗談|ジョーク|面白い|笑话|有趣|농담|재미|ตลก/u],
  [
    "command",
    /つけて|消して|かけて|止めて|セット|設定|予約して|送って|打开|关掉|关闭|播放|设置|提醒|取消|켜\s?줘|꺼\s?줘|틀어|설정|취소|เปิด|ปิด|ตั้ง/u,
  ],
  [
    "lookup",
    /何時|天気|いくら|いくつ|どこ|何日|誰|几点|天气|多少|在哪|几号|多远|谁|몇\s?시|날씨|얼마|어디|누구|กี่โมง|อากาศ|เท่าไหร่|ที่ไหน/u,
  ],
  [
    "courtesy",
    /こんにちは|ありがとう|おはよう|さようなら|はい$|いいえ$|你好|谢谢|再见|早上好|안녕|감사|고마|สวัสดี|ขอบคุณ/u,
  ],
];
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
/** A word may be a cue of several kinds in several languages. */
const cuesByWords = once(() => {
  const table = new Map<string, Cue[]>();
  for (const cue of CUES) {
    for (const entry of new Set(CUE_WORDS[cue].split(/\s+/u))) {
      const words = entry.replaceAll("_", " ");
      table.set(words, [...(table.get(words) ?? []), cue]);
    }
  }
  return table;
});

/** Words of a cue at most. */
const CUE_WORDS_MAX = 4;

/** The cues of a text, each with the number of the word at which it is first met. */
export function cuesOf(text: string, words: readonly string[]): ReadonlyMap<Cue, number> {
  const table = cuesByWords();
  const found = new Map<Cue, number>();
  for (let at = 0; at < words.length; at += 1) {
    let run = "";
    for (let length = 0; length < CUE_WORDS_MAX && at + length < words.length; length += 1) {
      run = length === 0 ? (words[at] ?? "") : `${run} ${words[at + length]}`;
      for (const cue of table.get(run) ?? []) if (!found.has(cue)) found.set(cue, at);
    }
  }
  if (UNSPACED.test(text)) {
    for (const [cue, pattern] of CUE_CHARACTERS) if (pattern.test(text) && !found.has(cue)) found.set(cue, 0);
  }
  return found;
}
