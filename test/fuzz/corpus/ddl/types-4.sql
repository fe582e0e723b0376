CREATE TABLE c (
  id SERIAL PRIMARY KEY,
  age INT CONSTRAINT age_sane CHECK (age >= 0 AND age <= 150),
  email TEXT NOT NULL CHECK (email LIKE '%@%'),
  kind TEXT CHECK (kind = ANY (ARRAY['a'::text, 'b'])),
  low INT, high INT, price NUMERIC(10,2) CHECK (price > 0),
  parent INT REFERENCES c ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
  a INT, b TEXT,
  UNIQUE (low, high), CONSTRAINT order_ok CHECK (low < high), CHECK (low BETWEEN 1 AND 5 OR NOT high IN (1,2)),
  FOREIGN KEY (a, b) REFERENCES pk_two (a, b) ON DELETE SET DEFAULT,
  CONSTRAINT named_fk FOREIGN KEY (a) REFERENCES ident2 ON DELETE RESTRICT DEFERRABLE,
  CHECK (char_length(b) > 2 AND (a IS NULL) = (b IS NULL)), CHECK (c.a + 1 * 2 > 3)
);
