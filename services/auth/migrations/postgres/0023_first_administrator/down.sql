DROP TABLE first_administrator;
