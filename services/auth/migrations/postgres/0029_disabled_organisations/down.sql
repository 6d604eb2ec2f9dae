ALTER TABLE organisations DROP COLUMN disable_time;
