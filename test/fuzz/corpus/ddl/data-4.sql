INSERT INTO t (name, ok) VALUES ('e', DEFAULT), ('f', true);
