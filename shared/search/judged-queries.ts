/** Messages of a made-up team, with how many days ago each was written. */
export const JUDGED_MESSAGES: readonly (readonly [text: string, days: number])[] = [
  ["The invoice for March is attached.", 2],
  ["Did anybody pay the invoices from the print shop?", 12],
  ["We have been invoiced twice for the chairs", 40],
  [
    "Long story: after the move we looked through all the boxes, and between old cables, a broken lamp and three calendars there was an unpaid invoice",
    5,
  ],
  ["Invoice 2041: paid on Friday", 300],
  ["Budget meeting moved to Tuesday at ten, same room", 1],
  ["Can we move the meeting? Tuesday is bad for me", 3],
  ["Tuesday: release. Wednesday: meeting about the budget.", 8],
  ["No meeting today", 30],
  ["I am meeting the landlord on Tuesday", 90],
  ["The release notes for 4.2 are in the wiki", 4],
  ["Please release me from the on-call duty next week", 6],
  ["Release 4.2 is out, thanks everybody!", 20],
  ["Release train: 4.2 in May, 4.3 in July", 200],
  ["Who has the keys to the server room?", 1],
  ["The key to good tea is patience", 15],
  ["I lost my keyboard, has anybody seen a grey one?", 9],
  ["Your API keys expire on the first of the month, please rotate them", 25],
  ["monkeys again on the front page, very funny", 3],
  ["Lunch at the Thai restaurant round the corner?", 1],
  ["That restaurant has closed down", 60],
  ["Resturant bill from Thursday, please split: 84.50", 7],
  ["The restaurants near the station are all full on Fridays", 150],
  ["password reset does not send a mail for me", 2],
  ["How do I reset my password?", 18],
  ["Reset the router, then try your password again", 33],
  ["Passwords must have 12 characters from now on", 100],
  ["The coffee machine needs a reset", 5],
  ["Flight to Lisbon: 7:40, gate opens an hour before", 4],
  ["Lisbon was lovely, thanks for the tips", 45],
  ["cheap flights to Porto or Lisbon in autumn?", 10],
  ["The flight was cancelled, I take the train", 11],
  ["明日の会議は十時からです", 1],
  ["会議の資料を共有しました", 14],
  ["東京の天気はどうですか", 3],
  ["東京都の会議室を予約しました", 50],
  ["J'ai réservé le café pour l'équipe", 2],
  ["Cafe closes at six", 22],
  ["Decaf, please", 6],
  ["Der Vertrag mit der Straßenbahn ist unterschrieben", 9],
  ["Welche Straße war das noch mal?", 70],
];

/**
 * How well messages answer a query, by their beginnings: 3 just what was looked for, 1 has something of it.
 * What is not named: 0.
 */
export const JUDGED_QUERIES: readonly {
  readonly query: string;
  readonly relevance: readonly (readonly [beginning: string, grade: 1 | 2 | 3])[];
}[] = [
  {
    query: "invoice",
    relevance: [
      ["The invoice for", 3],
      ["Invoice 2041", 2],
      ["Long story", 2],
      ["Did anybody pay", 2],
      ["We have been", 1],
    ],
  },
  {
    query: "budget meeting",
    relevance: [
      ["Budget meeting", 3],
      ["Tuesday: release", 2],
    ],
  },
  {
    query: "meeting tuesday",
    relevance: [
      ["Can we move", 3],
      ["Budget meeting", 3],
      ["Tuesday: release", 2],
      ["I am meeting", 1],
    ],
  },
  {
    query: "release 4.2",
    relevance: [
      ["Release 4.2", 3],
      ["The release notes", 3],
      ["Release train", 2],
    ],
  },
  {
    query: "keys",
    relevance: [
      ["Who has", 3],
      ["Your API keys", 3],
      ["monkeys", 1],
    ],
  },
  {
    query: "key",
    relevance: [
      ["The key to", 3],
      ["Who has", 2],
      ["Your API keys", 2],
      ["I lost my", 1],
      ["monkeys", 1],
    ],
  },
  {
    query: "restaurant",
    relevance: [
      ["Lunch at", 3],
      ["That restaurant", 3],
      ["The restaurants", 2],
      ["Resturant bill", 2],
    ],
  },
  {
    query: "resturant",
    relevance: [
      ["Resturant bill", 3],
      ["Lunch at", 3],
      ["That restaurant", 2],
      ["The restaurants", 2],
    ],
  },
  {
    query: "reset password",
    relevance: [
      ["How do I", 3],
      ["password reset", 3],
      ["Reset the router", 1],
    ],
  },
  { query: '"reset my password"', relevance: [["How do I", 3]] },
  {
    query: "flight lisbon",
    relevance: [
      ["Flight to", 3],
      ["cheap flights", 2],
    ],
  },
  {
    query: "lisbn",
    relevance: [
      ["Flight to", 3],
      ["cheap flights", 3],
      ["Lisbon was", 2],
    ],
  },
  {
    query: "会議",
    relevance: [
      ["明日の会議", 3],
      ["会議の資料", 3],
      ["東京都の会議室", 2],
    ],
  },
  {
    query: "東京",
    relevance: [
      ["東京の天気", 3],
      ["東京都の", 2],
    ],
  },
  {
    query: "cafe",
    relevance: [
      ["J'ai réservé", 3],
      ["Cafe closes", 3],
    ],
  },
  {
    query: "strasse",
    relevance: [
      ["Welche Straße", 3],
      ["Der Vertrag", 2],
    ],
  },
  {
    query: "meeting",
    relevance: [
      ["Budget meeting", 3],
      ["Can we move", 3],
      ["Tuesday: release", 2],
      ["No meeting", 2],
      ["I am meeting", 1],
    ],
  },
  {
    query: "train",
    relevance: [
      ["The flight was", 3],
      ["Release train", 2],
    ],
  },
  {
    query: "reset",
    relevance: [
      ["password reset", 3],
      ["How do I", 3],
      ["The coffee machine", 3],
      ["Reset the router", 2],
    ],
  },
  {
    query: "move",
    relevance: [
      ["Can we move", 3],
      ["Budget meeting", 2],
      ["Long story", 2],
    ],
  },
  {
    query: "paid",
    relevance: [
      ["Invoice 2041", 3],
      ["Long story", 1],
    ],
  },
  {
    query: "caf",
    relevance: [
      ["J'ai réservé", 3],
      ["Cafe closes", 3],
      ["Decaf", 1],
    ],
  },
  {
    query: "on friday",
    relevance: [
      ["Invoice 2041", 3],
      ["The restaurants", 2],
    ],
  },
  { query: "the station", relevance: [["The restaurants", 3]] },
];
