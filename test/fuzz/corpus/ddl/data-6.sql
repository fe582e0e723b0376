INSERT INTO accounts (balanse) VALUES (1);
