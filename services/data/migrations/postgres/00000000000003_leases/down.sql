DROP TABLE mainstay_leases;
