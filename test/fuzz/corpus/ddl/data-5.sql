INSERT INTO accounts (balance) VALUES (1, 2);
