-- The demo's data: the same rows on every machine, for every number of users.
-- param users 200
--
-- Written for SQLite and PostgreSQL alike. Keys count from 1, so this wants empty tables. Times and
-- JSON come from small tables, because PostgreSQL turns no computed text into them.

CREATE TEMPORARY TABLE seed_days (k INTEGER PRIMARY KEY, at TIMESTAMPTZ);
INSERT INTO seed_days (k, at) VALUES
    (0, '2026-01-01T00:00:00.000000Z'), (1, '2026-01-02T07:11:13.000000Z'), (2, '2026-01-03T14:22:26.000000Z'),
    (3, '2026-01-04T21:33:39.000000Z'), (4, '2026-01-05T04:44:52.000000Z'), (5, '2026-01-06T11:55:05.000000Z'),
    (6, '2026-01-07T18:06:18.000000Z'), (7, '2026-01-08T01:17:31.000000Z'), (8, '2026-01-09T08:28:44.000000Z'),
    (9, '2026-01-10T15:39:57.000000Z'), (10, '2026-01-11T22:50:10.000000Z'), (11, '2026-01-12T05:01:23.000000Z'),
    (12, '2026-01-13T12:12:36.000000Z'), (13, '2026-01-14T19:23:49.000000Z'), (14, '2026-01-15T02:34:02.000000Z'),
    (15, '2026-01-16T09:45:15.000000Z'), (16, '2026-01-17T16:56:28.000000Z'), (17, '2026-01-18T23:07:41.000000Z'),
    (18, '2026-01-19T06:18:54.000000Z'), (19, '2026-01-20T13:29:07.000000Z'), (20, '2026-01-21T20:40:20.000000Z'),
    (21, '2026-01-22T03:51:33.000000Z'), (22, '2026-01-23T10:02:46.000000Z'), (23, '2026-01-24T17:13:59.000000Z'),
    (24, '2026-01-25T00:24:12.000000Z'), (25, '2026-01-26T07:35:25.000000Z'), (26, '2026-01-27T14:46:38.000000Z'),
    (27, '2026-01-28T21:57:51.000000Z'), (28, '2026-01-29T04:08:04.000000Z'), (29, '2026-01-30T11:19:17.000000Z'),
    (30, '2026-01-31T18:30:30.000000Z'), (31, '2026-02-01T01:41:43.000000Z'), (32, '2026-02-02T08:52:56.000000Z'),
    (33, '2026-02-03T15:03:09.000000Z'), (34, '2026-02-04T22:14:22.000000Z'), (35, '2026-02-05T05:25:35.000000Z'),
    (36, '2026-02-06T12:36:48.000000Z'), (37, '2026-02-07T19:47:01.000000Z'), (38, '2026-02-08T02:58:14.000000Z'),
    (39, '2026-02-09T09:09:27.000000Z'), (40, '2026-02-10T16:20:40.000000Z'), (41, '2026-02-11T23:31:53.000000Z'),
    (42, '2026-02-12T06:42:06.000000Z'), (43, '2026-02-13T13:53:19.000000Z'), (44, '2026-02-14T20:04:32.000000Z'),
    (45, '2026-02-15T03:15:45.000000Z'), (46, '2026-02-16T10:26:58.000000Z'), (47, '2026-02-17T17:37:11.000000Z'),
    (48, '2026-02-18T00:48:24.000000Z'), (49, '2026-02-19T07:59:37.000000Z'), (50, '2026-02-20T14:10:50.000000Z'),
    (51, '2026-02-21T21:21:03.000000Z'), (52, '2026-02-22T04:32:16.000000Z'), (53, '2026-02-23T11:43:29.000000Z'),
    (54, '2026-02-24T18:54:42.000000Z'), (55, '2026-02-25T01:05:55.000000Z'), (56, '2026-02-26T08:16:08.000000Z'),
    (57, '2026-02-27T15:27:21.000000Z'), (58, '2026-02-28T22:38:34.000000Z'), (59, '2026-03-01T05:49:47.000000Z');

CREATE TEMPORARY TABLE seed_looks (k INTEGER PRIMARY KEY, attributes JSONB);
INSERT INTO seed_looks (k, attributes) VALUES
    (0, '{"color":"red","weight_g":120}'),
    (1, '{"color":"blue","weight_g":340,"sizes":["S","M","L"]}'),
    (2, '{"color":"black","weight_g":1650,"ports":{"usb_c":2,"hdmi":1}}'),
    (3, '{"color":"white"}'),
    (4, NULL);

-- The first user is the guide's own.
INSERT INTO users (name, email, age, city, created_at)
    VALUES ('John Doe', 'john@example.com', 25, 'New York', '2026-01-01T00:00:00.000000Z');
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :users)
INSERT INTO users (name, email, age, city, created_at)
SELECT
    CASE i % 23 WHEN 0 THEN 'John' WHEN 1 THEN 'Jane' WHEN 2 THEN 'Bob' WHEN 3 THEN 'Alice'
        WHEN 4 THEN 'Carol' WHEN 5 THEN 'Dan' WHEN 6 THEN 'Eve' WHEN 7 THEN 'Frank'
        WHEN 8 THEN 'Grace' WHEN 9 THEN 'Heidi' WHEN 10 THEN 'Ivan' WHEN 11 THEN 'Judy'
        WHEN 12 THEN 'Kari' WHEN 13 THEN 'Lars' WHEN 14 THEN 'Maria' WHEN 15 THEN 'Nils'
        WHEN 16 THEN 'Olga' WHEN 17 THEN 'Per' WHEN 18 THEN 'Ruth' WHEN 19 THEN 'Sven'
        WHEN 20 THEN 'Tove' WHEN 21 THEN 'Uma' ELSE 'Vera' END || ' ' ||
    CASE i / 23 % 19 WHEN 0 THEN 'Doe' WHEN 1 THEN 'Smith' WHEN 2 THEN 'Jones'
        WHEN 3 THEN 'Hansen' WHEN 4 THEN 'Olsen' WHEN 5 THEN 'Berg' WHEN 6 THEN 'Garcia'
        WHEN 7 THEN 'Rossi' WHEN 8 THEN 'Novak' WHEN 9 THEN 'Silva' WHEN 10 THEN 'Kim'
        WHEN 11 THEN 'Sato' WHEN 12 THEN 'Khan' WHEN 13 THEN 'Weber' WHEN 14 THEN 'Dubois'
        WHEN 15 THEN 'Nilsen' WHEN 16 THEN 'Lund' WHEN 17 THEN 'Moe' ELSE 'Haug' END,
    'user' || i || '@example.com',
    CASE WHEN i % 17 = 0 THEN NULL ELSE 18 + i * 7 % 60 END,
    CASE i % 12 WHEN 0 THEN 'New York' WHEN 1 THEN 'Oslo' WHEN 2 THEN 'London'
        WHEN 3 THEN 'Berlin' WHEN 4 THEN 'Paris' WHEN 5 THEN 'Madrid' WHEN 6 THEN 'Tokyo'
        WHEN 7 THEN 'Bergen' WHEN 8 THEN 'Lisbon' WHEN 9 THEN 'Prague' WHEN 10 THEN 'Toronto'
        ELSE 'Sydney' END,
    at
FROM n JOIN seed_days ON k = i % 60
WHERE i > 1
ORDER BY i;

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < CASE WHEN :users < 20000 THEN :users ELSE 20000 END)
INSERT INTO posts (user_id, title, content, created_at)
SELECT
    i,
    CASE i % 6 WHEN 0 THEN 'What I learned about ' WHEN 1 THEN 'Notes on ' WHEN 2 THEN 'A week with '
        WHEN 3 THEN 'Why I like ' WHEN 4 THEN 'Questions about ' ELSE 'My first ' END ||
    CASE i / 6 % 5 WHEN 0 THEN 'indexes' WHEN 1 THEN 'transactions' WHEN 2 THEN 'queues'
        WHEN 3 THEN 'caching' ELSE 'keyset pages' END,
    'Post number ' || i || ' tells what happened, what it cost, and what to do next time.',
    at
FROM n JOIN seed_days ON k = i * 7 % 60
ORDER BY i;

-- Three comments a post, by the three users behind its author.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < 3 * (CASE WHEN :users < 20000 THEN :users ELSE 20000 END))
INSERT INTO comments (post_id, user_id, text, created_at)
SELECT
    (i + 2) / 3,
    1 + ((i + 2) / 3 + i % 3) % :users,
    CASE i % 4 WHEN 0 THEN 'Great!' WHEN 1 THEN 'Thank you, this helped.'
        WHEN 2 THEN 'I see it differently.' ELSE 'Do you have numbers?' END,
    at
FROM n JOIN seed_days ON k = i * 11 % 60
ORDER BY i;

INSERT INTO categories (name) VALUES
    ('Electronics'), ('Books'), ('Clothing'), ('Home'), ('Sports'), ('Toys');
INSERT INTO brands (name) VALUES
    ('Dell'), ('Lenovo'), ('Acme'), ('Nordic'), ('Fjord'), ('Polar'), ('Zephyr');
INSERT INTO tags (name) VALUES
    ('portable'), ('business'), ('windows'), ('sale'), ('new'), ('eco'), ('gift'), ('classic');

-- The first product is the guide's own.
INSERT INTO products (name, description, price, stock, category_id, brand_id, attributes, created_at)
    VALUES ('Laptop', 'A laptop for work and travel.', 1000.00, 25, 1, 1,
        '{"color":"black","weight_g":1650,"ports":{"usb_c":2,"hdmi":1}}', '2026-01-01T00:00:00.000000Z');
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < CASE WHEN :users < 80 THEN 20 WHEN :users < 8000 THEN :users / 4 ELSE 2000 END)
INSERT INTO products (name, description, price, stock, category_id, brand_id, attributes, created_at)
SELECT
    CASE i % 5 WHEN 0 THEN 'Light ' WHEN 1 THEN 'Solid ' WHEN 2 THEN 'Small ' WHEN 3 THEN 'Quiet '
        ELSE 'Warm ' END ||
    CASE i % 6 WHEN 0 THEN 'Laptop' WHEN 1 THEN 'Novel' WHEN 2 THEN 'Jacket' WHEN 3 THEN 'Lamp'
        WHEN 4 THEN 'Ball' ELSE 'Puzzle' END || ' ' || i,
    'Product number ' || i || '.',
    (500 + i * 739 % 90000) / 100.0,
    i * 13 % 200,
    1 + i % 6,
    CASE WHEN i % 8 = 7 THEN NULL ELSE 1 + i % 7 END,
    attributes,
    at
FROM n JOIN seed_days ON seed_days.k = i * 13 % 60 JOIN seed_looks ON seed_looks.k = i % 5
WHERE i > 1
ORDER BY i;

-- The laptop's tags are the guide's; every other product has two.
INSERT INTO product_tags (product_id, tag_id) VALUES (1, 1), (1, 2), (1, 3);
INSERT INTO product_tags (product_id, tag_id) SELECT id, 1 + id % 8 FROM products WHERE id > 1;
INSERT INTO product_tags (product_id, tag_id) SELECT id, 1 + (id + 3) % 8 FROM products WHERE id > 1;

-- Two reviews a product, by two users.
INSERT INTO reviews (product_id, user_id, rating, comment, created_at)
SELECT id, 1 + id % :users, 1 + id * 7 % 5,
    CASE id % 3 WHEN 0 THEN 'Great!' WHEN 1 THEN 'Good' ELSE NULL END, at
FROM products JOIN seed_days ON k = id % 60
ORDER BY id;
INSERT INTO reviews (product_id, user_id, rating, comment, created_at)
SELECT id, 1 + (id + :users / 2) % :users, 3 + id % 3, 'Does what it says.', at
FROM products JOIN seed_days ON k = (id + 20) % 60
WHERE :users > 1
ORDER BY id;

-- Every fifth user ordered nothing.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < CASE WHEN :users < 20000 THEN :users ELSE 20000 END)
INSERT INTO orders (user_id, status, created_at)
SELECT
    i,
    CASE i % 7 WHEN 0 THEN 'pending' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' WHEN 3 THEN 'cancelled'
        ELSE 'delivered' END,
    at
FROM n JOIN seed_days ON k = i * 17 % 60
WHERE i % 5 <> 0
ORDER BY i;

INSERT INTO order_items (order_id, product_id, quantity, price)
SELECT o.id, p.id, 1 + o.id % 3, p.price
FROM orders o JOIN products p ON p.id = 1 + o.id % 20
ORDER BY o.id;
INSERT INTO order_items (order_id, product_id, quantity, price)
SELECT o.id, p.id, 1, p.price
FROM orders o JOIN products p ON p.id = 1 + (o.id + 7) % 20
WHERE o.id % 2 = 0
ORDER BY o.id;
UPDATE orders SET total =
    (SELECT round(sum(quantity * price), 2) FROM order_items WHERE order_id = orders.id);

INSERT INTO accounts (id, user_id, balance) VALUES ('A', 1, 500.00), ('B', NULL, 250.50);
INSERT INTO accounts (id, user_id, balance) SELECT 'user-' || id, id, 100 * id FROM users WHERE id <= 10;
INSERT INTO transactions (from_account, to_account, amount, created_at) VALUES
    ('A', 'B', 100.00, '2026-01-02T09:00:00.000000Z'),
    ('B', 'A', 20.50, '2026-01-03T09:00:00.000000Z');

INSERT INTO employees (name, title, manager_id) VALUES ('Ingrid Berg', 'Chief executive', NULL);
INSERT INTO employees (name, title, manager_id) VALUES
    ('Omar Khan', 'Head of engineering', 1),
    ('Sofia Rossi', 'Head of sales', 1);
INSERT INTO employees (name, title, manager_id) VALUES
    ('Lars Lund', 'Engineer', 2),
    ('Mei Sato', 'Engineer', 2),
    ('Ana Silva', 'Engineer', 2),
    ('Petr Novak', 'Seller', 3),
    ('Eva Weber', 'Seller', 3);
INSERT INTO employees (name, title, manager_id) VALUES ('Jon Moe', 'Apprentice', 4);

-- Everybody follows the next user, and most also one a week away.
INSERT INTO follows (follower_id, followed_id, created_at)
SELECT id, 1 + id % :users, at
FROM users JOIN seed_days ON k = id % 60
WHERE id <= 20000 AND 1 + id % :users <> id
ORDER BY id;
INSERT INTO follows (follower_id, followed_id, created_at)
SELECT id, 1 + (id + 6) % :users, at
FROM users JOIN seed_days ON k = (id + 3) % 60
WHERE id <= 20000 AND id % 3 <> 0 AND :users > 10
ORDER BY id;

DROP TABLE seed_days;
DROP TABLE seed_looks;
