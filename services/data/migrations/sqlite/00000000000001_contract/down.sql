DROP TABLE mainstay_answers;
DROP TABLE mainstay_keys;
DROP TABLE mainstay_contracts;
