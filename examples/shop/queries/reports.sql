-- Groups, aggregates, windows.

-- name: users_by_city
-- Who lives in a city, newest first.
-- param: city text
-- param: limit integer = 20 max 100
-- roles: public
-- cache: 60s
SELECT id, name, age, created_at
FROM users
WHERE city = :city
ORDER BY created_at DESC, id DESC
LIMIT :limit;

-- name: city_stats
-- Cities with at least that many users, and the ages there.
-- param: least integer = 1 min 1
-- roles: public
-- cache: 5m
SELECT city,
    count(*) AS users,
    count(*) FILTER (WHERE age >= 65) AS seniors,
    min(age) AS youngest,
    max(age) AS oldest,
    round(avg(age), 1) AS average_age
FROM users
GROUP BY city
HAVING count(*) >= :least
ORDER BY count(*) DESC, city;

-- name: catalogue
-- A page of products with category, brand, tags and rating, as one row each.
-- param: category text = null
-- param: limit integer = 20 max 200
-- param: offset integer = 0
-- roles: public
SELECT p.id, p.name, p.price, c.name AS category, b.name AS brand,
    (SELECT string_agg(x.name, ',')
     FROM (SELECT t.name
           FROM product_tags pt
           JOIN tags t ON t.id = pt.tag_id
           WHERE pt.product_id = p.id
           ORDER BY t.name) AS x) AS tags,
    round(avg(r.rating), 2) AS avg_rating,
    count(r.id) AS reviews
FROM products p
JOIN categories c ON p.category_id = c.id
LEFT JOIN brands b ON p.brand_id = b.id
LEFT JOIN reviews r ON r.product_id = p.id
WHERE c.name = :category OR :category IS NULL
GROUP BY p.id, c.id, b.id
ORDER BY p.id
LIMIT :limit OFFSET :offset;

-- name: sales_by_month
-- Orders and their sum per month, the sum so far, and the change to the month before.
-- param: since date = 2026-01-01
-- roles: public
WITH months AS (
    SELECT date_trunc('month', created_at) AS month, count(*) AS orders, sum(total) AS sales
    FROM orders
    WHERE created_at >= :since AND status <> 'cancelled'
    GROUP BY date_trunc('month', created_at)
)
SELECT to_char(month, 'YYYY-MM') AS month, orders, sales,
    sum(sales) OVER (ORDER BY month) AS sales_so_far,
    sales - lag(sales) OVER (ORDER BY month) AS change
FROM months
ORDER BY month;

-- name: best_sellers
-- The products of each category that sold best.
-- param: places integer = 3 min 1 max 20
-- roles: public
WITH sold AS (
    SELECT p.category_id, p.id, p.name, sum(i.quantity) AS pieces, sum(i.quantity * i.price) AS sales
    FROM order_items i
    JOIN products p ON p.id = i.product_id
    GROUP BY p.category_id, p.id, p.name
), placed AS (
    SELECT *, rank() OVER (PARTITION BY category_id ORDER BY sales DESC, id) AS place FROM sold
)
SELECT c.name AS category, placed.place, placed.name AS product, placed.pieces, placed.sales
FROM placed
JOIN categories c ON c.id = placed.category_id
WHERE placed.place <= :places
ORDER BY c.name, placed.place;

-- name: order_summary
-- One order, with its items as JSON.
-- param: id bigint
-- roles: public
-- result: one
SELECT o.id, u.name AS customer, o.status, o.total, o.created_at,
    (SELECT json_agg(json_build_object('product', p.name, 'quantity', i.quantity))
     FROM order_items i
     JOIN products p ON p.id = i.product_id
     WHERE i.order_id = o.id) AS items
FROM orders o
JOIN users u ON u.id = o.user_id
WHERE o.id = :id;

-- name: restock
-- Adds pieces to what is short of stock; answers what it changed.
-- param: below integer = 5 min 0
-- param: pieces integer min 1 max 1000
-- roles: public
-- method: POST
UPDATE products
SET stock = stock + :pieces
WHERE stock < :below
RETURNING id, name, stock;
