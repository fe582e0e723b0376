INSERT INTO alpha (label) VALUES (DEFAULT);
SELECT * FROM names;
DELETE FROM alpha WHERE label = 'x';
