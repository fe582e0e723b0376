CREATE TABLE x (a datetime);
