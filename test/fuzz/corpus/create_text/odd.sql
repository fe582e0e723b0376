CREATE TABLE [t] ([a] INT, `b` TEXT -- CHECK (a)
, /* c */ c, CONSTRAINT "x y" CHECK ((a IS NULL) OR (a >= -3 AND c < 1e3)), CHECK (CASE WHEN a THEN b ELSE c END = '(')) STRICT
