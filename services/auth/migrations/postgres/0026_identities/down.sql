DROP TABLE identities;
-- The version before knows neither this word nor what was begun at providers.
DELETE FROM sessions WHERE ' ' || methods || ' ' LIKE '% fed %';
DELETE FROM challenges WHERE purpose <> 'sign_in' OR ' ' || methods || ' ' LIKE '% fed %';
