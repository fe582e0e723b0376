CREATE TABLE x (d TEXT CHECK (d ~ '^[a-z]+$'));
