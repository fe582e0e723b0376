SELECT CASE WHEN ok THEN 1 ELSE 2 END, CASE id WHEN 1 THEN 'x' END, coalesce(name, 'n'), nullif(id, 2), greatest(id, 3, 4), least(1, id),
  extract(year FROM at), substring(name FROM 1 FOR 2), position('a' IN name), trim(both 'x' from name), concat(name, 1, NULL),
  doc -> 'k' ->> 0, (id + 1) * 2 - -3, 7 % 3, id::text, '5'::int, price::float8, name::varchar(10), ok IS TRUE, ok IS NOT FALSE, NOT ok AND (ok OR id > 1),
  now() - interval '2 weeks', date_trunc('day', at), left(name, 2), round(price, 1), string_agg(name, ','), 'a' || 'b' || (1 + 2), 1 - (2 - 3), (1 - 2) - 3, -(id), - id, (id > 1) = ok, ok = (name IS NULL)
FROM t;
