-- Every kind of join, on the tables of the shop. Try: curl localhost:8080/v1/q/user_orders

-- name: user_orders
-- INNER JOIN: users who ordered, a row for each order.
-- param: limit integer = 100 max 1000
-- roles: public
SELECT users.name, orders.total
FROM users
INNER JOIN orders ON users.id = orders.user_id
ORDER BY users.id, orders.id
LIMIT :limit;

-- name: all_users_orders
-- LEFT JOIN: all users; the total is null for those who ordered nothing.
-- param: limit integer = 100 max 1000
-- roles: public
SELECT users.id, users.name, orders.total
FROM users
LEFT JOIN orders ON users.id = orders.user_id
ORDER BY users.id, orders.id
LIMIT :limit;

-- name: products_of_brands
-- RIGHT JOIN: all products; the brand is null for those without one.
-- param: limit integer = 100 max 1000
-- roles: public
SELECT brands.name AS brand, products.name AS product
FROM brands
RIGHT JOIN products ON brands.id = products.brand_id
ORDER BY products.id
LIMIT :limit;

-- name: brands_and_products
-- FULL JOIN: all brands and all products, with null where there is no match.
-- param: limit integer = 1000 max 5000
-- roles: public
SELECT brands.name AS brand, products.name AS product
FROM brands
FULL OUTER JOIN products ON brands.id = products.brand_id
ORDER BY brands.name NULLS LAST, products.id NULLS FIRST
LIMIT :limit;

-- name: tags_for_brands
-- CROSS JOIN: every brand with every tag.
-- roles: public
SELECT brands.name AS brand, tags.name AS tag
FROM brands
CROSS JOIN tags
ORDER BY brands.id, tags.id;

-- name: managers
-- A self join: employees and whom they report to; null for who leads them all.
-- roles: public
SELECT e.name AS employee, m.name AS manager
FROM employees e
LEFT JOIN employees m ON e.manager_id = m.id
ORDER BY e.id;

-- name: ordered_products
-- Several joins: what a user ordered.
-- param: user_id bigint
-- roles: public
SELECT users.name, orders.total, products.name AS product_name, order_items.quantity
FROM users
INNER JOIN orders ON users.id = orders.user_id
INNER JOIN order_items ON orders.id = order_items.order_id
INNER JOIN products ON order_items.product_id = products.id
WHERE users.id = :user_id
ORDER BY orders.id, order_items.id;

-- name: users_with_posts
-- One statement where a loop would ask once per user.
-- param: ids bigint[]
-- roles: public
SELECT users.id, users.name, posts.id AS post_id, posts.title
FROM users
LEFT JOIN posts ON users.id = posts.user_id
WHERE users.id = ANY(:ids)
ORDER BY users.id, posts.id;
