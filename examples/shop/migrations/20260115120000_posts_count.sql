-- migrate:up
-- How many posts a user has. Cairn keeps it exact: `counters` in cairn.yaml.
ALTER TABLE users ADD COLUMN posts_count INTEGER NOT NULL DEFAULT 0;

-- migrate:down
ALTER TABLE users DROP COLUMN posts_count;
