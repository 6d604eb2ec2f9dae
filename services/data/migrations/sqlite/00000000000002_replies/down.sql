DROP TABLE mainstay_reply_places;
DROP TABLE mainstay_replies;
