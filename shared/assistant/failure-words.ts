/** Why an answer failed, as its `error.code` tells programs. What people read stands below, by language. */
export const ANSWER_ERRORS = [
  "too_long",
  "refused",
  "invalid",
  "images",
  "unavailable",
  "misconfigured",
  "budget",
] as const;
export type AnswerErrorCode = (typeof ANSWER_ERRORS)[number];

const WORDS: Readonly<Record<string, Readonly<Record<AnswerErrorCode, string>>>> = {
  en: {
    too_long: "This is too long for the model. Shorten it, or begin a new chat.",
    refused: "The model's provider refused this question. Try asking it differently.",
    invalid: "The model could not take this question. Try asking it differently.",
    images: "The model could not take the images. Try others, or ask without them.",
    unavailable: "No answer could be made. You can ask again.",
    misconfigured: "The assistant is not available at the moment. Its operator has been told.",
    budget: "The budget for today is used up. You can ask again after midnight (UTC).",
  },
  de: {
    too_long: "Das ist zu lang für das Modell. Kürze es oder beginne einen neuen Chat.",
    refused: "Der Anbieter des Modells hat diese Frage abgelehnt. Stelle sie anders.",
    invalid: "Das Modell konnte diese Frage nicht annehmen. Stelle sie anders.",
    images: "Das Modell konnte die Bilder nicht annehmen. Versuche andere oder frage ohne sie.",
    unavailable: "Es kam keine Antwort zustande. Du kannst noch einmal fragen.",
    misconfigured: "Der Assistent ist gerade nicht erreichbar. Der Betreiber weiß davon.",
    budget: "Das Budget für heute ist aufgebraucht. Nach Mitternacht (UTC) kannst du wieder fragen.",
  },
  fr: {
    too_long: "C'est trop long pour le modèle. Raccourcissez, ou commencez une nouvelle discussion.",
    refused: "Le fournisseur du modèle a refusé cette question. Essayez de la poser autrement.",
    invalid: "Le modèle n'a pas pu traiter cette question. Essayez de la poser autrement.",
    images: "Le modèle n'a pas pu lire les images. Essayez-en d'autres, ou demandez sans elles.",
    unavailable: "Aucune réponse n'a pu être donnée. Vous pouvez redemander.",
    misconfigured: "L'assistant n'est pas disponible pour le moment. Son exploitant est prévenu.",
    budget: "Le budget du jour est épuisé. Vous pourrez redemander après minuit (UTC).",
  },
  es: {
    too_long: "Esto es demasiado largo para el modelo. Acórtalo o empieza un chat nuevo.",
    refused: "El proveedor del modelo rechazó esta pregunta. Intenta formularla de otra manera.",
    invalid: "El modelo no pudo aceptar esta pregunta. Intenta formularla de otra manera.",
    images: "El modelo no pudo aceptar las imágenes. Prueba con otras o pregunta sin ellas.",
    unavailable: "No se pudo dar una respuesta. Puedes volver a preguntar.",
    misconfigured: "El asistente no está disponible en este momento. Su operador ya lo sabe.",
    budget: "El presupuesto de hoy se ha agotado. Puedes volver a preguntar después de medianoche (UTC).",
  },
  pt: {
    too_long: "Isto é longo demais para o modelo. Encurte ou comece uma nova conversa.",
    refused: "O fornecedor do modelo recusou esta pergunta. Tente perguntar de outra forma.",
    invalid: "O modelo não conseguiu aceitar esta pergunta. Tente perguntar de outra forma.",
    images: "O modelo não conseguiu aceitar as imagens. Tente outras ou pergunte sem elas.",
    unavailable: "Não foi possível dar uma resposta. Você pode perguntar de novo.",
    misconfigured: "O assistente não está disponível no momento. O operador já foi avisado.",
    budget: "O orçamento de hoje acabou. Você pode perguntar de novo depois da meia-noite (UTC).",
  },
  it: {
    too_long: "È troppo lungo per il modello. Accorcialo o inizia una nuova chat.",
    refused: "Il fornitore del modello ha rifiutato questa domanda. Prova a formularla diversamente.",
    invalid: "Il modello non ha potuto accettare questa domanda. Prova a formularla diversamente.",
    images: "Il modello non ha potuto accettare le immagini. Prova con altre o chiedi senza.",
    unavailable: "Non è stato possibile dare una risposta. Puoi chiedere di nuovo.",
    misconfigured: "L'assistente non è disponibile al momento. Il gestore è stato avvisato.",
    budget: "Il budget di oggi è esaurito. Puoi chiedere di nuovo dopo mezzanotte (UTC).",
  },
  nl: {
    too_long: "Dit is te lang voor het model. Maak het korter of begin een nieuwe chat.",
    refused: "De aanbieder van het model heeft deze vraag geweigerd. Stel haar anders.",
    invalid: "Het model kon deze vraag niet aannemen. Stel haar anders.",
    images: "Het model kon de afbeeldingen niet aannemen. Probeer andere of vraag het zonder.",
    unavailable: "Er kon geen antwoord worden gegeven. Je kunt het opnieuw vragen.",
    misconfigured: "De assistent is nu niet beschikbaar. De beheerder weet ervan.",
    budget: "Het budget voor vandaag is op. Na middernacht (UTC) kun je weer vragen.",
  },
  pl: {
    too_long: "To jest za długie dla modelu. Skróć tekst albo zacznij nowy czat.",
    refused: "Dostawca modelu odrzucił to pytanie. Spróbuj zadać je inaczej.",
    invalid: "Model nie mógł przyjąć tego pytania. Spróbuj zadać je inaczej.",
    images: "Model nie mógł przyjąć obrazów. Spróbuj innych albo zapytaj bez nich.",
    unavailable: "Nie udało się udzielić odpowiedzi. Możesz zapytać ponownie.",
    misconfigured: "Asystent jest teraz niedostępny. Operator już o tym wie.",
    budget: "Budżet na dziś został wykorzystany. Możesz zapytać po północy (UTC).",
  },
  tr: {
    too_long: "Bu, model için çok uzun. Kısaltın ya da yeni bir sohbet başlatın.",
    refused: "Modelin sağlayıcısı bu soruyu reddetti. Başka türlü sormayı deneyin.",
    invalid: "Model bu soruyu alamadı. Başka türlü sormayı deneyin.",
    images: "Model görselleri alamadı. Başkalarını deneyin ya da onlarsız sorun.",
    unavailable: "Yanıt verilemedi. Yeniden sorabilirsiniz.",
    misconfigured: "Asistan şu anda kullanılamıyor. İşletmecisine haber verildi.",
    budget: "Bugünkü bütçe tükendi. Gece yarısından (UTC) sonra yeniden sorabilirsiniz.",
  },
  vi: {
    too_long: "Nội dung này quá dài đối với mô hình. Hãy rút ngắn hoặc bắt đầu cuộc trò chuyện mới.",
    refused: "Nhà cung cấp mô hình đã từ chối câu hỏi này. Hãy thử hỏi theo cách khác.",
    invalid: "Mô hình không thể nhận câu hỏi này. Hãy thử hỏi theo cách khác.",
    images: "Mô hình không thể nhận hình ảnh. Hãy thử hình khác hoặc hỏi không kèm hình.",
    unavailable: "Không thể đưa ra câu trả lời. Bạn có thể hỏi lại.",
    misconfigured: "Trợ lý hiện không khả dụng. Người vận hành đã được báo.",
    budget: "Ngân sách hôm nay đã hết. Bạn có thể hỏi lại sau nửa đêm (UTC).",
  },
  sv: {
    too_long: "Det här är för långt för modellen. Korta ner det eller börja en ny chatt.",
    refused: "Modellens leverantör avvisade frågan. Försök att ställa den på ett annat sätt.",
    invalid: "Modellen kunde inte ta emot frågan. Försök att ställa den på ett annat sätt.",
    images: "Modellen kunde inte ta emot bilderna. Försök med andra, eller fråga utan dem.",
    unavailable: "Inget svar kunde ges. Du kan fråga igen.",
    misconfigured: "Assistenten är inte tillgänglig just nu. Operatören vet om det.",
    budget: "Dagens budget är slut. Du kan fråga igen efter midnatt (UTC).",
  },
  ru: {
    too_long: "Это слишком длинно для модели. Сократите текст или начните новый чат.",
    refused: "Поставщик модели отклонил этот вопрос. Попробуйте задать его иначе.",
    invalid: "Модель не смогла принять этот вопрос. Попробуйте задать его иначе.",
    images: "Модель не смогла принять изображения. Попробуйте другие или спросите без них.",
    unavailable: "Не удалось дать ответ. Можно спросить ещё раз.",
    misconfigured: "Ассистент сейчас недоступен. Оператор уже знает об этом.",
    budget: "Бюджет на сегодня исчерпан. Спросить снова можно после полуночи (UTC).",
  },
  uk: {
    too_long: "Це задовго для моделі. Скоротіть текст або почніть новий чат.",
    refused: "Постачальник моделі відхилив це запитання. Спробуйте поставити його інакше.",
    invalid: "Модель не змогла прийняти це запитання. Спробуйте поставити його інакше.",
    images: "Модель не змогла прийняти зображення. Спробуйте інші або запитайте без них.",
    unavailable: "Не вдалося дати відповідь. Можна запитати ще раз.",
    misconfigured: "Асистент зараз недоступний. Оператор уже знає про це.",
    budget: "Бюджет на сьогодні вичерпано. Запитати знову можна після півночі (UTC).",
  },
  ar: {
    too_long: "هذا أطول مما يقبله النموذج. اختصره أو ابدأ محادثة جديدة.",
    refused: "رفض مزوّد النموذج هذا السؤال. جرّب صياغته بطريقة أخرى.",
    invalid: "لم يتمكن النموذج من قبول هذا السؤال. جرّب صياغته بطريقة أخرى.",
    images: "لم يتمكن النموذج من قبول الصور. جرّب صورًا أخرى أو اسأل من دونها.",
    unavailable: "تعذّر تقديم إجابة. يمكنك السؤال مرة أخرى.",
    misconfigured: "المساعد غير متاح الآن. أُبلغ المشغّل بذلك.",
    budget: "نفدت ميزانية اليوم. يمكنك السؤال مجددًا بعد منتصف الليل (UTC).",
  },
  he: {
    too_long: "זה ארוך מדי עבור המודל. קצרו את הטקסט או התחילו שיחה חדשה.",
    refused: "ספק המודל סירב לשאלה הזאת. נסו לשאול אותה אחרת.",
    invalid: "המודל לא הצליח לקבל את השאלה הזאת. נסו לשאול אותה אחרת.",
    images: "המודל לא הצליח לקבל את התמונות. נסו תמונות אחרות או שאלו בלעדיהן.",
    unavailable: "לא ניתן היה לתת תשובה. אפשר לשאול שוב.",
    misconfigured: "העוזר אינו זמין כרגע. המפעיל יודע על כך.",
    budget: "התקציב להיום נוצל. אפשר לשאול שוב אחרי חצות (UTC).",
  },
  hi: {
    too_long: "यह मॉडल के लिए बहुत लंबा है। इसे छोटा करें या नई चैट शुरू करें।",
    refused: "मॉडल के प्रदाता ने यह सवाल ठुकरा दिया। इसे दूसरे ढंग से पूछें।",
    invalid: "मॉडल यह सवाल नहीं ले सका। इसे दूसरे ढंग से पूछें।",
    images: "मॉडल चित्र नहीं ले सका। दूसरे चित्र आज़माएँ या उनके बिना पूछें।",
    unavailable: "जवाब नहीं दिया जा सका। आप फिर से पूछ सकते हैं।",
    misconfigured: "सहायक अभी उपलब्ध नहीं है। संचालक को बता दिया गया है।",
    budget: "आज का बजट समाप्त हो गया है। आप मध्यरात्रि (UTC) के बाद फिर पूछ सकते हैं।",
  },
  zh: {
    too_long: "内容超出了模型能处理的长度。请缩短内容，或开始新的对话。",
    refused: "模型的提供方拒绝了这个问题。请换一种方式提问。",
    invalid: "模型无法处理这个问题。请换一种方式提问。",
    images: "模型无法接收这些图片。请换其他图片，或不带图片提问。",
    unavailable: "未能给出回答。您可以再问一次。",
    misconfigured: "助手目前不可用。运营者已收到通知。",
    budget: "今天的预算已用完。您可以在午夜（UTC）之后再提问。",
  },
  ja: {
    too_long: "モデルが扱える長さを超えています。短くするか、新しいチャットを始めてください。",
    refused: "モデルの提供元がこの質問を拒否しました。別の聞き方をしてみてください。",
    invalid: "モデルはこの質問を受け付けられませんでした。別の聞き方をしてみてください。",
    images: "モデルは画像を受け付けられませんでした。別の画像を試すか、画像なしで質問してください。",
    unavailable: "回答を作成できませんでした。もう一度質問できます。",
    misconfigured: "アシスタントは現在利用できません。運営者に通知されています。",
    budget: "本日の予算を使い切りました。午前0時（UTC）以降に再度質問できます。",
  },
  ko: {
    too_long: "모델이 처리하기에는 너무 깁니다. 내용을 줄이거나 새 채팅을 시작하세요.",
    refused: "모델 제공자가 이 질문을 거부했습니다. 다르게 질문해 보세요.",
    invalid: "모델이 이 질문을 받을 수 없었습니다. 다르게 질문해 보세요.",
    images: "모델이 이미지를 받을 수 없었습니다. 다른 이미지를 쓰거나 이미지 없이 질문하세요.",
    unavailable: "답변을 만들 수 없었습니다. 다시 질문할 수 있습니다.",
    misconfigured: "지금은 어시스턴트를 사용할 수 없습니다. 운영자에게 알렸습니다.",
    budget: "오늘의 예산을 모두 사용했습니다. 자정(UTC) 이후에 다시 질문할 수 있습니다.",
  },
  th: {
    too_long: "ข้อความนี้ยาวเกินไปสำหรับโมเดล โปรดย่อให้สั้นลงหรือเริ่มแชตใหม่",
    refused: "ผู้ให้บริการโมเดลปฏิเสธคำถามนี้ ลองถามด้วยวิธีอื่น",
    invalid: "โมเดลไม่สามารถรับคำถามนี้ได้ ลองถามด้วยวิธีอื่น",
    images: "โมเดลรับรูปภาพไม่ได้ ลองใช้รูปอื่นหรือถามโดยไม่มีรูป",
    unavailable: "ไม่สามารถให้คำตอบได้ คุณถามอีกครั้งได้",
    misconfigured: "ผู้ช่วยยังไม่พร้อมใช้งานในขณะนี้ ผู้ดูแลได้รับแจ้งแล้ว",
    budget: "งบประมาณของวันนี้หมดแล้ว คุณถามได้อีกครั้งหลังเที่ยงคืน (UTC)",
  },
};

/** The languages that failures are told in. */
export const WORD_LANGUAGES: readonly string[] = Object.keys(WORDS);

/**
 * What the asker reads. The first of the languages (BCP 47 tags) that is known counts, else English. Pure.
 */
export function wordsOf(code: AnswerErrorCode, ...languages: readonly (string | undefined)[]): string {
  for (const language of languages) {
    const [primary = ""] = language?.toLowerCase().split("-") ?? [];
    const words = Object.hasOwn(WORDS, primary) ? WORDS[primary] : undefined;
    if (words !== undefined) return words[code];
  }
  return (WORDS.en as Record<AnswerErrorCode, string>)[code];
}
