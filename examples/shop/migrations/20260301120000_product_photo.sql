-- migrate:up
-- Holds what is known of the file; its bytes are kept beside the database (docs/files.md).
ALTER TABLE products ADD COLUMN photo JSONB;
-- migrate:down
ALTER TABLE products DROP COLUMN photo;
