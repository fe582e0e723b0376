CREATE TABLE t (d ENUM_TEXT CONSTRAINT "enum_mood" CHECK ("d" IN ('sad', 'it''s', 'happy')) NOT NULL DEFAULT 'sad', CHECK (b IN ('x')))
