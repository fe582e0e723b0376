DELETE FROM t USING accounts a WHERE a.id = t.id;
