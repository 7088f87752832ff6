CREATE TABLE members (chat integer, person text, PRIMARY KEY (chat, person));
CREATE TABLE messages (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  chat integer NOT NULL,
  number integer NOT NULL,
  sender text NOT NULL,
  text text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chat, number)
);
