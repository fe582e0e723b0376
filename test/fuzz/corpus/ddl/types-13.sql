CREATE TABLE x (a interval);
