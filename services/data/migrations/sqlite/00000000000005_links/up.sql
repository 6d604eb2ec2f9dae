-- What rows name inside their lists: so the rows that name one are found, and none goes before them.
CREATE TABLE mainstay_links (
    target     TEXT NOT NULL, -- the type of the resource that is named
    target_key TEXT NOT NULL, -- the ids of its name, with slashes between
    source     TEXT NOT NULL, -- the same of the row that names it
    path       TEXT NOT NULL, -- the numbers of the fields on the way to the name, with dots between
    source_key TEXT NOT NULL,
    PRIMARY KEY (target, target_key, source, path, source_key)
) WITHOUT ROWID;
CREATE INDEX mainstay_links_source ON mainstay_links (source, source_key);
