-- One database for each service: no table is ever read by two.
CREATE DATABASE mainstay_auth;
CREATE DATABASE mainstay_data;
CREATE DATABASE mainstay_gateway;
