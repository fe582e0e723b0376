-- A graph in tables: who follows whom.

-- name: friends_of_friends
-- Whom one reaches by following others, within so many steps; nearest first.
-- param: name text
-- param: depth integer = 2 min 1 max 6
-- param: limit integer = 100 max 1000
-- roles: public
WITH RECURSIVE reached (id, depth) AS (
    SELECT f.followed_id, 1
    FROM follows f
    JOIN users u ON u.id = f.follower_id
    WHERE u.name = :name
    UNION
    SELECT f.followed_id, r.depth + 1
    FROM reached r
    JOIN follows f ON f.follower_id = r.id
    WHERE r.depth < :depth
)
SELECT u.id, u.name, min(r.depth) AS steps
FROM reached r
JOIN users u ON u.id = r.id
WHERE u.name <> :name
GROUP BY u.id, u.name
ORDER BY min(r.depth), u.id
LIMIT :limit;

-- name: follow
-- One user follows another; doing it twice changes nothing.
-- param: follower_id bigint
-- param: followed_id bigint
-- roles: public
-- method: POST
INSERT INTO follows (follower_id, followed_id)
VALUES (:follower_id, :followed_id)
ON CONFLICT (follower_id, followed_id) DO NOTHING;

-- name: reports_to
-- All who report to an employee, directly or through others.
-- param: id bigint
-- roles: public
WITH RECURSIVE below (id, name, title, level) AS (
    SELECT id, name, title, 1 FROM employees WHERE manager_id = :id
    UNION ALL
    SELECT e.id, e.name, e.title, b.level + 1
    FROM employees e
    JOIN below b ON e.manager_id = b.id
    WHERE b.level < 20
)
SELECT * FROM below ORDER BY level, id;
