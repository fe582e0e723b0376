INSERT INTO t (name, day) SELECT 'n' || i, CURRENT_DATE FROM generate_series(1, 20) AS g(i);
INSERT INTO accounts (balance) SELECT n * 10 FROM generate_series(10, 1, -3) n;
