DROP TABLE mainstay_replies;
