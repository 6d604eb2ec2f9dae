DROP TABLE mainstay_links;
