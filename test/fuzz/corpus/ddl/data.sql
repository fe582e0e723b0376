CREATE TABLE t (id SERIAL PRIMARY KEY, name TEXT UNIQUE, ok BOOLEAN DEFAULT false, at TIMESTAMPTZ, day DATE, price NUMERIC(20,2), doc JSONB, tags TEXT[], raw BYTEA, key UUID, parent INT REFERENCES t);
CREATE TABLE accounts (id SERIAL PRIMARY KEY, balance NUMERIC(10,2) NOT NULL);
INSERT INTO t (name, ok, at, day, price, doc, tags, raw, key) VALUES
  ('a', true, '2026-01-02 03:04:05+02', '2026-01-02', 12.5, '{ "k": [1, 2] }', '{red,"dark blue",NULL}', '\x00ff', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
  ('b', 'f', now(), CURRENT_DATE, '3', '[]'::jsonb, ARRAY['x'], NULL, gen_random_uuid());
INSERT INTO accounts VALUES (7, 100.50), (8, -3);
INSERT INTO t (id, name, ok) VALUES (DEFAULT, 'c', DEFAULT), (DEFAULT, 'd', DEFAULT);
INSERT INTO t (name, price) VALUES ('a', 1) ON CONFLICT (name) DO UPDATE SET price = excluded.price + 1, at = '2026-01-01' WHERE t.price <> excluded.price RETURNING id AS made, *;
INSERT INTO t (name) SELECT name FROM t ON CONFLICT DO NOTHING;
INSERT INTO t (name, day) SELECT 'n' || i, CURRENT_DATE FROM generate_series(1, 20) AS g(i);
INSERT INTO accounts (balance) SELECT n * 10 FROM generate_series(10, 1, -3) n;
UPDATE t SET ok = true, (price, name) = (2.5, upper(name)), day = '2026-03-04' WHERE name ILIKE 'n1_%' AND id NOT IN (1, 2) AND name NOT LIKE 'x*%' AND price IS DISTINCT FROM 3;
UPDATE t AS x SET price = a.balance FROM accounts a WHERE a.id = x.id;
DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY at NULLS FIRST, id DESC LIMIT 1 OFFSET 1);
WITH RECURSIVE tree (id, depth) AS (
  SELECT id, 0 FROM t WHERE parent IS NULL
  UNION ALL SELECT t.id, tree.depth + 1 FROM t JOIN tree ON t.parent = tree.id)
SELECT t.id, row_number() OVER (PARTITION BY ok ORDER BY price DESC) AS r, sum(price) FILTER (WHERE ok) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
FROM t, tree WHERE t.id = tree.id;
(SELECT id FROM t ORDER BY id LIMIT 1) UNION (SELECT 1 INTERSECT SELECT 2) ORDER BY 1;
SELECT DISTINCT a.id FROM t a CROSS JOIN accounts b NATURAL JOIN (SELECT 1 AS z) c FULL JOIN t d ON d.id = a.id WHERE EXISTS (SELECT 1) GROUP BY a.id HAVING count(*) > 1;
SELECT v.n FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, s) WHERE v.s > 'a';
SELECT CASE WHEN ok THEN 1 ELSE 2 END, CASE id WHEN 1 THEN 'x' END, coalesce(name, 'n'), nullif(id, 2), greatest(id, 3, 4), least(1, id),
  extract(year FROM at), substring(name FROM 1 FOR 2), position('a' IN name), trim(both 'x' from name), concat(name, 1, NULL),
  doc -> 'k' ->> 0, (id + 1) * 2 - -3, 7 % 3, id::text, '5'::int, price::float8, name::varchar(10), ok IS TRUE, ok IS NOT FALSE, NOT ok AND (ok OR id > 1),
  now() - interval '2 weeks', date_trunc('day', at), left(name, 2), round(price, 1), string_agg(name, ','), 'a' || 'b' || (1 + 2), 1 - (2 - 3), (1 - 2) - 3, -(id), - id, (id > 1) = ok, ok = (name IS NULL)
FROM t;
UPDATE accounts SET balance = balance - 100 WHERE id = 7;
UPDATE accounts SET balance = balance + 100 WHERE id = 8;
