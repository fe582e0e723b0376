CREATE TABLE a (id SERIAL PRIMARY KEY, name TEXT, gone TEXT, n INT DEFAULT 1);
CREATE TABLE b (id SERIAL PRIMARY KEY, a_id INT NOT NULL REFERENCES a (id) ON DELETE CASCADE, k TEXT);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_name ON public.a USING btree (lower(name) DESC NULLS LAST, n) INCLUDE (gone) WHERE name IS NOT NULL;
CREATE INDEX ON b (k, a_id);
CREATE INDEX b_hash ON b USING hash (k text_pattern_ops);
CREATE VIEW names AS SELECT a.name, count(*) AS many FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.name ORDER BY many DESC;
INSERT INTO a (name, n) VALUES ('x', 5), ('y', NULL);
INSERT INTO b (a_id) VALUES (1), (2), (2);
