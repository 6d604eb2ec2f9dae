


SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;


CREATE TABLE public.__diesel_schema_migrations (
    version character varying(50) NOT NULL,
    run_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);



CREATE TABLE public.library_v1_book (
    _branch_id text NOT NULL COLLATE pg_catalog."C",
    _id text NOT NULL COLLATE pg_catalog."C",
    _revision bigint DEFAULT 0 NOT NULL,
    isbn text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    heading text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pages bigint DEFAULT 0 NOT NULL,
    sold bigint DEFAULT 0 NOT NULL,
    weight double precision DEFAULT 0.0 NOT NULL,
    lent boolean DEFAULT false NOT NULL,
    cover bytea DEFAULT '\x'::bytea NOT NULL,
    kind bigint DEFAULT 0 NOT NULL,
    published bigint,
    _has_price boolean DEFAULT false NOT NULL,
    price__currency_code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    price__units bigint DEFAULT 0 NOT NULL,
    price__nanos bigint DEFAULT 0 NOT NULL,
    bought timestamp with time zone,
    authors jsonb,
    ratings jsonb,
    notes jsonb,
    _has_shelf boolean DEFAULT false NOT NULL,
    shelf__room text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    shelf__row bigint DEFAULT 0 NOT NULL,
    blurb text COLLATE pg_catalog."C",
    sequel_of__branch text COLLATE pg_catalog."C",
    sequel_of__book text COLLATE pg_catalog."C",
    create_time timestamp with time zone,
    update_time timestamp with time zone,
    language text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);



CREATE TABLE public.library_v1_branch (
    _id text NOT NULL COLLATE pg_catalog."C",
    _revision bigint DEFAULT 0 NOT NULL,
    city text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    open_for bigint
);



CREATE TABLE public.mainstay_answers (
    principal text NOT NULL,
    method text NOT NULL,
    request_id text NOT NULL,
    request_hash bytea NOT NULL,
    resource_key text NOT NULL,
    answer bytea NOT NULL,
    expires_at bigint NOT NULL
);



CREATE TABLE public.mainstay_contracts (
    revision bigint NOT NULL,
    hash text NOT NULL,
    sources text NOT NULL,
    ledger text NOT NULL,
    applied_at bigint NOT NULL
);



CREATE TABLE public.mainstay_keys (
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL
);



INSERT INTO public.__diesel_schema_migrations VALUES ('00000000000001', '2026-11-28 13:31:24.304185');



INSERT INTO public.library_v1_book VALUES ('north', 'dune', 1795872684630285, '0-441-01359-7', 'Dune', 412, 20000000000, 0.61, true, '\x000102ff', 1, 19650801, true, 'EUR', 9, 990000000, '2019-03-04 05:06:07.123456+00', '[{"favourite": 2, "full_name": "Frank Herbert"}]', '{"ada": 5, "bob": 3}', '{"owners": ["a", null, 1.5], "shelf worn": true}', true, 'R1', 3, '', NULL, NULL, '2026-11-28 13:31:24.630285+00', '2026-11-28 13:31:24.630285+00', '');
INSERT INTO public.library_v1_book VALUES ('south', 'essays', 1795872684719497, '3-257-20000-1', 'Essais', 1269, 0, 0, false, '\x', 2, 15800000, false, '', 0, 0, NULL, NULL, NULL, NULL, false, '', 0, NULL, NULL, NULL, '2026-11-28 13:31:24.673886+00', '2026-11-28 13:31:24.719497+00', '');
INSERT INTO public.library_v1_book VALUES ('north', 'messiah', 1795872688027086, '', 'Dune Messiah', 5000000000, 0, 0, false, '\x', 1, NULL, false, '', 0, 0, NULL, NULL, NULL, NULL, false, '', 0, NULL, 'north', 'dune', '2026-11-28 13:31:24.649615+00', '2026-11-28 13:31:28.027086+00', 'en');



INSERT INTO public.library_v1_branch VALUES ('north', 1795872684590213, 'Oslo', 28800000000);
INSERT INTO public.library_v1_branch VALUES ('south', 1795872684615590, 'Zürich', NULL);






INSERT INTO public.mainstay_contracts VALUES (1, 'fa7781a1d4d630cd1f4d71fcc372cd6503069726748675ea5b311761e8ded03d', '[{"path":"library/v1/book.proto","text":"syntax = \"proto3\";\n\npackage library.v1;\n\nimport \"buf/validate/validate.proto\";\nimport \"google/api/field_behavior.proto\";\nimport \"google/api/resource.proto\";\nimport \"google/protobuf/duration.proto\";\nimport \"google/protobuf/struct.proto\";\nimport \"google/protobuf/timestamp.proto\";\nimport \"google/type/date.proto\";\nimport \"google/type/money.proto\";\nimport \"mainstay/v1/options.proto\";\n\n// A place with books.\nmessage Branch {\n  option (google.api.resource) = {type: \"library.example.org/Branch\" pattern: \"branches/{branch}\"};\n  option (mainstay.v1.resource) = {\n    access {read: \"true\" write: \"true\"}\n    index {fields: \"city\"}\n  };\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string city = 2 [(google.api.field_behavior) = REQUIRED];\n  google.protobuf.Duration open_for = 3;\n}\n\n// Something to read, in a branch.\nmessage Book {\n  option (google.api.resource) = {type: \"library.example.org/Book\" pattern: \"branches/{branch}/books/{book}\"};\n  option (mainstay.v1.resource) = {\n    access {read: \"true\" write: \"true\"}\n    index {fields: \"isbn\" unique: true}\n    index {fields: \"published\" fields: \"pages desc\"}\n  };\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string isbn = 2 [(buf.validate.field).string.pattern = \"^[0-9-]{0,17}$\"];\n  string title = 3 [(google.api.field_behavior) = REQUIRED];\n  int32 pages = 4 [(buf.validate.field).int32.gte = 0];\n  int64 sold = 5;\n  double weight = 6;\n  bool lent = 7;\n  bytes cover = 8;\n  Kind kind = 9;\n  google.type.Date published = 10;\n  google.type.Money price = 11;\n  google.protobuf.Timestamp bought = 12;\n  repeated Author authors = 13;\n  map<string, int32> ratings = 14;\n  google.protobuf.Struct notes = 15;\n  Shelf shelf = 16;\n  optional string blurb = 17;\n  string sequel_of = 18 [(google.api.resource_reference).type = \"library.example.org/Book\"];\n  google.protobuf.Timestamp create_time = 19 [(google.api.field_behavior) = OUTPUT_ONLY];\n  google.protobuf.Timestamp update_time = 20 [(google.api.field_behavior) = OUTPUT_ONLY];\n  string etag = 21;\n\n  message Author {\n    string full_name = 1;\n    Kind favourite = 2;\n  }\n\n  message Shelf {\n    string room = 1;\n    int32 row = 2;\n  }\n\n  enum Kind {\n    KIND_UNSPECIFIED = 0;\n    NOVEL = 1;\n    ESSAY = 2;\n  }\n}\n"}]', '{"version":1,"resources":{"library.example.org/Book":{"message":"library.v1.Book","natural_table":"library_v1_book","table":"library_v1_book","primary_key":"library_v1_book_pkey","columns":{"key:0":{"natural":"_branch_id","name":"_branch_id","type":"text","nullable":false},"key:1":{"natural":"_id","name":"_id","type":"text","nullable":false},"revision":{"natural":"_revision","name":"_revision","type":"int","nullable":false},"2":{"natural":"isbn","name":"isbn","type":"text","nullable":false},"3":{"natural":"title","name":"title","type":"text","nullable":false},"4":{"natural":"pages","name":"pages","type":"int","nullable":false},"5":{"natural":"sold","name":"sold","type":"int","nullable":false},"6":{"natural":"weight","name":"weight","type":"double","nullable":false},"7":{"natural":"lent","name":"lent","type":"bool","nullable":false},"8":{"natural":"cover","name":"cover","type":"bytes","nullable":false},"9":{"natural":"kind","name":"kind","type":"int","nullable":false},"10":{"natural":"published","name":"published","type":"int","nullable":true},"11?":{"natural":"_has_price","name":"_has_price","type":"bool","nullable":false},"11.1":{"natural":"price__currency_code","name":"price__currency_code","type":"text","nullable":false},"11.2":{"natural":"price__units","name":"price__units","type":"int","nullable":false},"11.3":{"natural":"price__nanos","name":"price__nanos","type":"int","nullable":false},"12":{"natural":"bought","name":"bought","type":"timestamp","nullable":true},"13":{"natural":"authors","name":"authors","type":"json","nullable":true},"14":{"natural":"ratings","name":"ratings","type":"json","nullable":true},"15":{"natural":"notes","name":"notes","type":"json","nullable":true},"16?":{"natural":"_has_shelf","name":"_has_shelf","type":"bool","nullable":false},"16.1":{"natural":"shelf__room","name":"shelf__room","type":"text","nullable":false},"16.2":{"natural":"shelf__row","name":"shelf__row","type":"int","nullable":false},"17":{"natural":"blurb","name":"blurb","type":"text","nullable":true},"18@0":{"natural":"sequel_of__branch","name":"sequel_of__branch","type":"text","nullable":true},"18@1":{"natural":"sequel_of__book","name":"sequel_of__book","type":"text","nullable":true},"19":{"natural":"create_time","name":"create_time","type":"timestamp","nullable":true},"20":{"natural":"update_time","name":"update_time","type":"timestamp","nullable":true}},"fields":{"1":{"name":"name","signature":{"type":"string","label":"implicit"}},"2":{"name":"isbn","signature":{"type":"string","label":"implicit"},"checks":["must match ^[0-9-]{0,17}$"]},"3":{"name":"title","signature":{"type":"string","label":"implicit"},"required":true},"4":{"name":"pages","signature":{"type":"int32","label":"implicit"},"checks":["must be at least 0"]},"5":{"name":"sold","signature":{"type":"int64","label":"implicit"}},"6":{"name":"weight","signature":{"type":"double","label":"implicit"}},"7":{"name":"lent","signature":{"type":"bool","label":"implicit"}},"8":{"name":"cover","signature":{"type":"bytes","label":"implicit"}},"9":{"name":"kind","signature":{"type":"enum","label":"implicit","type_name":"library.v1.Book.Kind"}},"10":{"name":"published","signature":{"type":"google.type.Date","label":"optional"}},"11":{"name":"price","signature":{"type":"google.type.Money","label":"optional"}},"11.1":{"name":"currency_code","signature":{"type":"string","label":"implicit"}},"11.2":{"name":"units","signature":{"type":"int64","label":"implicit"}},"11.3":{"name":"nanos","signature":{"type":"int32","label":"implicit"}},"12":{"name":"bought","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"13":{"name":"authors","signature":{"type":"message","label":"repeated","type_name":"library.v1.Book.Author","as_json":true},"json":{"messages":[{"fields":[{"number":1,"name":"full_name","key":"full_name","signature":{"type":"string","label":"implicit"}},{"number":2,"name":"favourite","key":"favourite","signature":{"type":"enum","label":"implicit","type_name":"library.v1.Book.Kind"}}]}]}},"14":{"name":"ratings","signature":{"type":"map<string, int32>","label":"map","as_json":true},"json":{"messages":[]}},"15":{"name":"notes","signature":{"type":"google.protobuf.Struct","label":"optional","as_json":true},"json":{"messages":[]}},"16":{"name":"shelf","signature":{"type":"message","label":"optional","type_name":"library.v1.Book.Shelf"}},"16.1":{"name":"room","signature":{"type":"string","label":"implicit"}},"16.2":{"name":"row","signature":{"type":"int32","label":"implicit"}},"17":{"name":"blurb","signature":{"type":"string","label":"optional"}},"18":{"name":"sequel_of","signature":{"type":"string","label":"implicit","reference":"library.example.org/Book"}},"19":{"name":"create_time","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"20":{"name":"update_time","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"21":{"name":"etag","signature":{"type":"string","label":"implicit"}}},"references":{"18":{"name":"library_v1_book_sequel_of__branch_fkey","target":"library.example.org/Book"}},"indexes":[{"name":"library_v1_book__isbn_key","columns":[{"column":"2","without_zero":true}],"unique":true},{"name":"library_v1_book__published__pages_desc_idx","columns":[{"column":"10"},{"column":"4","descending":true},{"column":"key:0","descending":true},{"column":"key:1","descending":true}],"unique":false},{"name":"library_v1_book__sequel_of__branch__sequel_of__book_idx","columns":[{"column":"18@0"},{"column":"18@1"},{"column":"key:0"},{"column":"key:1"}],"unique":false},{"name":"library_v1_book__isbn_idx","columns":[{"column":"2"},{"column":"key:0"},{"column":"key:1"}],"unique":false}],"column_names":{"_branch_id":"key:0","_has_price":"11?","_has_shelf":"16?","_id":"key:1","_revision":"revision","authors":"13","blurb":"17","bought":"12","cover":"8","create_time":"19","isbn":"2","kind":"9","lent":"7","notes":"15","pages":"4","price__currency_code":"11.1","price__nanos":"11.3","price__units":"11.2","published":"10","ratings":"14","sequel_of__book":"18@1","sequel_of__branch":"18@0","shelf__room":"16.1","shelf__row":"16.2","sold":"5","title":"3","update_time":"20","weight":"6"}},"library.example.org/Branch":{"message":"library.v1.Branch","natural_table":"library_v1_branch","table":"library_v1_branch","primary_key":"library_v1_branch_pkey","columns":{"key:0":{"natural":"_id","name":"_id","type":"text","nullable":false},"revision":{"natural":"_revision","name":"_revision","type":"int","nullable":false},"2":{"natural":"city","name":"city","type":"text","nullable":false},"3":{"natural":"open_for","name":"open_for","type":"int","nullable":true}},"fields":{"1":{"name":"name","signature":{"type":"string","label":"implicit"}},"2":{"name":"city","signature":{"type":"string","label":"implicit"},"required":true},"3":{"name":"open_for","signature":{"type":"google.protobuf.Duration","label":"optional"}}},"references":{},"indexes":[{"name":"library_v1_branch__city_idx","columns":[{"column":"2"},{"column":"key:0"}],"unique":false}],"column_names":{"_id":"key:0","_revision":"revision","city":"2","open_for":"3"}}},"names":{"library_v1_book":"table of library.example.org/Book","library_v1_book__isbn_idx":"index of library.example.org/Book (2, key:0, key:1)","library_v1_book__isbn_key":"unique index of library.example.org/Book (2 set)","library_v1_book__published__pages_desc_idx":"index of library.example.org/Book (10, 4 desc, key:0 desc, key:1 desc)","library_v1_book__sequel_of__branch__sequel_of__book_idx":"index of library.example.org/Book (18@0, 18@1, key:0, key:1)","library_v1_book_pkey":"primary key of library.example.org/Book","library_v1_book_sequel_of__branch_fkey":"reference 18 of library.example.org/Book","library_v1_branch":"table of library.example.org/Branch","library_v1_branch__city_idx":"index of library.example.org/Branch (2, key:0)","library_v1_branch_pkey":"primary key of library.example.org/Branch"}}', 1795872684349616);
INSERT INTO public.mainstay_contracts VALUES (2, '6e96e4cfdad6323570ac2abb5c93a30a100bb1ceb5050715e1cd76c4588a9280', '[{"path":"library/v1/book.proto","text":"syntax = \"proto3\";\n\npackage library.v1;\n\nimport \"buf/validate/validate.proto\";\nimport \"google/api/field_behavior.proto\";\nimport \"google/api/resource.proto\";\nimport \"google/protobuf/duration.proto\";\nimport \"google/protobuf/struct.proto\";\nimport \"google/protobuf/timestamp.proto\";\nimport \"google/type/date.proto\";\nimport \"google/type/money.proto\";\nimport \"mainstay/v1/options.proto\";\n\n// A place with books.\nmessage Branch {\n  option (google.api.resource) = {type: \"library.example.org/Branch\" pattern: \"branches/{branch}\"};\n  option (mainstay.v1.resource) = {\n    access {read: \"true\" write: \"true\"}\n    index {fields: \"city\"}\n    index {fields: \"open_for\"}\n  };\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string city = 2 [(google.api.field_behavior) = REQUIRED];\n  google.protobuf.Duration open_for = 3;\n}\n\n// Something to read, in a branch.\nmessage Book {\n  option (google.api.resource) = {type: \"library.example.org/Book\" pattern: \"branches/{branch}/books/{book}\"};\n  option (mainstay.v1.resource) = {\n    access {read: \"true\" write: \"true\"}\n    index {fields: \"isbn\" unique: true}\n    index {fields: \"published\" fields: \"pages desc\"}\n  };\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string isbn = 2 [(buf.validate.field).string.pattern = \"^[0-9-]{0,17}$\"];\n  string heading = 3 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field) = {aliases: \"title\"}];\n  int64 pages = 4 [(buf.validate.field).int64.gte = 0];\n  reserved 22;\n  string language = 23;\n  int64 sold = 5;\n  double weight = 6;\n  bool lent = 7;\n  bytes cover = 8;\n  Kind kind = 9;\n  google.type.Date published = 10;\n  google.type.Money price = 11;\n  google.protobuf.Timestamp bought = 12;\n  repeated Author authors = 13;\n  map<string, int32> ratings = 14;\n  google.protobuf.Struct notes = 15;\n  Shelf shelf = 16;\n  optional string blurb = 17;\n  string sequel_of = 18 [(google.api.resource_reference).type = \"library.example.org/Book\"];\n  google.protobuf.Timestamp create_time = 19 [(google.api.field_behavior) = OUTPUT_ONLY];\n  google.protobuf.Timestamp update_time = 20 [(google.api.field_behavior) = OUTPUT_ONLY];\n  string etag = 21;\n\n  message Author {\n    string name = 1;\n    Kind favourite = 2;\n  }\n\n  message Shelf {\n    string room = 1;\n    int32 row = 2;\n  }\n\n  enum Kind {\n    KIND_UNSPECIFIED = 0;\n    NOVEL = 1;\n    ESSAY = 2;\n  }\n}\n"}]', '{"version":1,"resources":{"library.example.org/Book":{"message":"library.v1.Book","natural_table":"library_v1_book","table":"library_v1_book","primary_key":"library_v1_book_pkey","columns":{"key:0":{"natural":"_branch_id","name":"_branch_id","type":"text","nullable":false},"key:1":{"natural":"_id","name":"_id","type":"text","nullable":false},"revision":{"natural":"_revision","name":"_revision","type":"int","nullable":false},"2":{"natural":"isbn","name":"isbn","type":"text","nullable":false},"3":{"natural":"heading","name":"heading","type":"text","nullable":false},"4":{"natural":"pages","name":"pages","type":"int","nullable":false},"5":{"natural":"sold","name":"sold","type":"int","nullable":false},"6":{"natural":"weight","name":"weight","type":"double","nullable":false},"7":{"natural":"lent","name":"lent","type":"bool","nullable":false},"8":{"natural":"cover","name":"cover","type":"bytes","nullable":false},"9":{"natural":"kind","name":"kind","type":"int","nullable":false},"10":{"natural":"published","name":"published","type":"int","nullable":true},"11?":{"natural":"_has_price","name":"_has_price","type":"bool","nullable":false},"11.1":{"natural":"price__currency_code","name":"price__currency_code","type":"text","nullable":false},"11.2":{"natural":"price__units","name":"price__units","type":"int","nullable":false},"11.3":{"natural":"price__nanos","name":"price__nanos","type":"int","nullable":false},"12":{"natural":"bought","name":"bought","type":"timestamp","nullable":true},"13":{"natural":"authors","name":"authors","type":"json","nullable":true},"14":{"natural":"ratings","name":"ratings","type":"json","nullable":true},"15":{"natural":"notes","name":"notes","type":"json","nullable":true},"16?":{"natural":"_has_shelf","name":"_has_shelf","type":"bool","nullable":false},"16.1":{"natural":"shelf__room","name":"shelf__room","type":"text","nullable":false},"16.2":{"natural":"shelf__row","name":"shelf__row","type":"int","nullable":false},"17":{"natural":"blurb","name":"blurb","type":"text","nullable":true},"18@0":{"natural":"sequel_of__branch","name":"sequel_of__branch","type":"text","nullable":true},"18@1":{"natural":"sequel_of__book","name":"sequel_of__book","type":"text","nullable":true},"19":{"natural":"create_time","name":"create_time","type":"timestamp","nullable":true},"20":{"natural":"update_time","name":"update_time","type":"timestamp","nullable":true},"23":{"natural":"language","name":"language","type":"text","nullable":false}},"fields":{"1":{"name":"name","signature":{"type":"string","label":"implicit"}},"2":{"name":"isbn","signature":{"type":"string","label":"implicit"},"checks":["must match ^[0-9-]{0,17}$"]},"3":{"name":"heading","signature":{"type":"string","label":"implicit"},"required":true},"4":{"name":"pages","signature":{"type":"int64","label":"implicit"},"checks":["must be at least 0"]},"5":{"name":"sold","signature":{"type":"int64","label":"implicit"}},"6":{"name":"weight","signature":{"type":"double","label":"implicit"}},"7":{"name":"lent","signature":{"type":"bool","label":"implicit"}},"8":{"name":"cover","signature":{"type":"bytes","label":"implicit"}},"9":{"name":"kind","signature":{"type":"enum","label":"implicit","type_name":"library.v1.Book.Kind"}},"10":{"name":"published","signature":{"type":"google.type.Date","label":"optional"}},"11":{"name":"price","signature":{"type":"google.type.Money","label":"optional"}},"11.1":{"name":"currency_code","signature":{"type":"string","label":"implicit"}},"11.2":{"name":"units","signature":{"type":"int64","label":"implicit"}},"11.3":{"name":"nanos","signature":{"type":"int32","label":"implicit"}},"12":{"name":"bought","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"13":{"name":"authors","signature":{"type":"message","label":"repeated","type_name":"library.v1.Book.Author","as_json":true},"json":{"messages":[{"fields":[{"number":1,"name":"name","key":"full_name","signature":{"type":"string","label":"implicit"}},{"number":2,"name":"favourite","key":"favourite","signature":{"type":"enum","label":"implicit","type_name":"library.v1.Book.Kind"}}]}]}},"14":{"name":"ratings","signature":{"type":"map<string, int32>","label":"map","as_json":true},"json":{"messages":[]}},"15":{"name":"notes","signature":{"type":"google.protobuf.Struct","label":"optional","as_json":true},"json":{"messages":[]}},"16":{"name":"shelf","signature":{"type":"message","label":"optional","type_name":"library.v1.Book.Shelf"}},"16.1":{"name":"room","signature":{"type":"string","label":"implicit"}},"16.2":{"name":"row","signature":{"type":"int32","label":"implicit"}},"17":{"name":"blurb","signature":{"type":"string","label":"optional"}},"18":{"name":"sequel_of","signature":{"type":"string","label":"implicit","reference":"library.example.org/Book"}},"19":{"name":"create_time","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"20":{"name":"update_time","signature":{"type":"google.protobuf.Timestamp","label":"optional"}},"21":{"name":"etag","signature":{"type":"string","label":"implicit"}},"23":{"name":"language","signature":{"type":"string","label":"implicit"}}},"references":{"18":{"name":"library_v1_book_sequel_of__branch_fkey","target":"library.example.org/Book"}},"indexes":[{"name":"library_v1_book__isbn_key","columns":[{"column":"2","without_zero":true}],"unique":true},{"name":"library_v1_book__published__pages_desc_idx","columns":[{"column":"10"},{"column":"4","descending":true},{"column":"key:0","descending":true},{"column":"key:1","descending":true}],"unique":false},{"name":"library_v1_book__sequel_of__branch__sequel_of__book_idx","columns":[{"column":"18@0"},{"column":"18@1"},{"column":"key:0"},{"column":"key:1"}],"unique":false},{"name":"library_v1_book__isbn_idx","columns":[{"column":"2"},{"column":"key:0"},{"column":"key:1"}],"unique":false}],"column_names":{"_branch_id":"key:0","_has_price":"11?","_has_shelf":"16?","_id":"key:1","_revision":"revision","authors":"13","blurb":"17","bought":"12","cover":"8","create_time":"19","heading":"3","isbn":"2","kind":"9","language":"23","lent":"7","notes":"15","pages":"4","price__currency_code":"11.1","price__nanos":"11.3","price__units":"11.2","published":"10","ratings":"14","sequel_of__book":"18@1","sequel_of__branch":"18@0","shelf__room":"16.1","shelf__row":"16.2","sold":"5","title":"3","update_time":"20","weight":"6"}},"library.example.org/Branch":{"message":"library.v1.Branch","natural_table":"library_v1_branch","table":"library_v1_branch","primary_key":"library_v1_branch_pkey","columns":{"key:0":{"natural":"_id","name":"_id","type":"text","nullable":false},"revision":{"natural":"_revision","name":"_revision","type":"int","nullable":false},"2":{"natural":"city","name":"city","type":"text","nullable":false},"3":{"natural":"open_for","name":"open_for","type":"int","nullable":true}},"fields":{"1":{"name":"name","signature":{"type":"string","label":"implicit"}},"2":{"name":"city","signature":{"type":"string","label":"implicit"},"required":true},"3":{"name":"open_for","signature":{"type":"google.protobuf.Duration","label":"optional"}}},"references":{},"indexes":[{"name":"library_v1_branch__city_idx","columns":[{"column":"2"},{"column":"key:0"}],"unique":false},{"name":"library_v1_branch__open_for_idx","columns":[{"column":"3"},{"column":"key:0"}],"unique":false}],"column_names":{"_id":"key:0","_revision":"revision","city":"2","open_for":"3"}}},"names":{"library_v1_book":"table of library.example.org/Book","library_v1_book__isbn_idx":"index of library.example.org/Book (2, key:0, key:1)","library_v1_book__isbn_key":"unique index of library.example.org/Book (2 set)","library_v1_book__published__pages_desc_idx":"index of library.example.org/Book (10, 4 desc, key:0 desc, key:1 desc)","library_v1_book__sequel_of__branch__sequel_of__book_idx":"index of library.example.org/Book (18@0, 18@1, key:0, key:1)","library_v1_book_pkey":"primary key of library.example.org/Book","library_v1_book_sequel_of__branch_fkey":"reference 18 of library.example.org/Book","library_v1_branch":"table of library.example.org/Branch","library_v1_branch__city_idx":"index of library.example.org/Branch (2, key:0)","library_v1_branch__open_for_idx":"index of library.example.org/Branch (3, key:0)","library_v1_branch_pkey":"primary key of library.example.org/Branch"}}', 1795872685063749);



INSERT INTO public.mainstay_keys VALUES ('page-token', '\x45927b199c37622f0353a6b322efa54993129b1c64d82cb741f69be946d589d9b39e89f636a7683a6e485d2c991fa127380e19d21318ebc21b384919', 1795872684343442);



ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);



ALTER TABLE ONLY public.library_v1_book
    ADD CONSTRAINT library_v1_book_pkey PRIMARY KEY (_branch_id, _id);



ALTER TABLE ONLY public.library_v1_branch
    ADD CONSTRAINT library_v1_branch_pkey PRIMARY KEY (_id);



ALTER TABLE ONLY public.mainstay_answers
    ADD CONSTRAINT mainstay_answers_pkey PRIMARY KEY (principal, method, request_id);



ALTER TABLE ONLY public.mainstay_contracts
    ADD CONSTRAINT mainstay_contracts_pkey PRIMARY KEY (revision);



ALTER TABLE ONLY public.mainstay_keys
    ADD CONSTRAINT mainstay_keys_pkey PRIMARY KEY (purpose);



CREATE INDEX library_v1_book__isbn_idx ON public.library_v1_book USING btree (isbn, _branch_id, _id);



CREATE UNIQUE INDEX library_v1_book__isbn_key ON public.library_v1_book USING btree (isbn) WHERE (isbn <> ''::text);



CREATE INDEX library_v1_book__published__pages_desc_idx ON public.library_v1_book USING btree (published NULLS FIRST, pages DESC, _branch_id DESC, _id DESC);



CREATE INDEX library_v1_book__sequel_of__branch__sequel_of__book_idx ON public.library_v1_book USING btree (sequel_of__branch NULLS FIRST, sequel_of__book NULLS FIRST, _branch_id, _id);



CREATE INDEX library_v1_branch__city_idx ON public.library_v1_branch USING btree (city, _id);



CREATE INDEX library_v1_branch__open_for_idx ON public.library_v1_branch USING btree (open_for NULLS FIRST, _id);



CREATE INDEX mainstay_answers_expiry ON public.mainstay_answers USING btree (expires_at);



ALTER TABLE ONLY public.library_v1_book
    ADD CONSTRAINT library_v1_book_sequel_of__branch_fkey FOREIGN KEY (sequel_of__branch, sequel_of__book) REFERENCES public.library_v1_book(_branch_id, _id);




