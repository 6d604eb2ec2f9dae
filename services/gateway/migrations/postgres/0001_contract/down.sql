DROP TABLE gateway_contract;
