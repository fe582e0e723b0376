-- migrate:up
-- Five states: alone, no index over them spares much; in front of the time it gives a page of one
-- state in its order (GET /v1/orders?status=eq.paid&sort=-created_at).
DROP INDEX idx_orders_status;
CREATE INDEX idx_orders_status_created_at ON orders (status, created_at);

-- migrate:down
DROP INDEX idx_orders_status_created_at;
CREATE INDEX idx_orders_status ON orders (status);
