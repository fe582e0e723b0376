CREATE TABLE p2 (m mood DEFAULT 'glad');
