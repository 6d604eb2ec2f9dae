-- What placing an order is, as somebody writes it by hand: the same rows, the same checks, the same history.
CREATE TABLE variants (
  id text PRIMARY KEY, price bigint NOT NULL, on_hand bigint NOT NULL, reserved bigint NOT NULL DEFAULT 0,
  revision bigint NOT NULL DEFAULT 1, CHECK (reserved >= 0 AND reserved <= on_hand)
);
CREATE TABLE orders (
  id text PRIMARY KEY, lines jsonb NOT NULL, state int NOT NULL DEFAULT 1, expire_time timestamptz,
  create_time timestamptz NOT NULL DEFAULT now(), update_time timestamptz NOT NULL DEFAULT now(), revision bigint NOT NULL DEFAULT 1
);
CREATE TABLE history (
  id text NOT NULL, revision bigint NOT NULL, at timestamptz NOT NULL, actor text NOT NULL, from_state int NOT NULL,
  to_state int NOT NULL, PRIMARY KEY (id, revision)
);
INSERT INTO variants (id, price, on_hand)
  SELECT 'p' || lpad(n::text, 14, '0'), 700 + n % 100, 1000000000000 FROM generate_series(0, 4999) n;
INSERT INTO orders (id, lines)
  SELECT 'p' || lpad(n::text, 14, '0'),
    (SELECT jsonb_agg(jsonb_build_object('variant', 'p' || lpad((n * 5 + line)::text, 14, '0'), 'quantity', 1 + line))
     FROM generate_series(0, 4) line)
  FROM generate_series(0, 999) n;
CREATE FUNCTION place(placed text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE row orders;
BEGIN
  SELECT * INTO STRICT row FROM orders WHERE id = placed FOR UPDATE;
  IF row.state NOT IN (1, 2) OR jsonb_array_length(row.lines) = 0 THEN RAISE EXCEPTION 'not now'; END IF;
  PERFORM 1 FROM variants WHERE id IN (SELECT line ->> 'variant' FROM jsonb_array_elements(row.lines) line) ORDER BY id FOR UPDATE;
  UPDATE variants v SET reserved = v.reserved + wanted.quantity, revision = v.revision + 1
    FROM (SELECT line ->> 'variant' AS id, sum((line ->> 'quantity')::bigint) AS quantity
          FROM jsonb_array_elements(row.lines) line GROUP BY 1) wanted
    WHERE v.id = wanted.id;
  UPDATE orders SET state = 2, expire_time = now() + interval '15 minutes', update_time = now(), revision = row.revision + 1,
    lines = (SELECT jsonb_agg(line || jsonb_build_object('unit_price', v.price) ORDER BY place)
             FROM jsonb_array_elements(row.lines) WITH ORDINALITY AS given(line, place) JOIN variants v ON v.id = line ->> 'variant')
    WHERE id = placed RETURNING * INTO row;
  INSERT INTO history VALUES (placed, row.revision, now(), '', 1, 2);
  RETURN to_jsonb(row);
END $$;
