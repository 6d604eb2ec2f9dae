


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



CREATE TABLE public.diary_v1_entry (
    _id text NOT NULL COLLATE pg_catalog."C",
    _revision bigint DEFAULT 0 NOT NULL,
    text text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    public boolean DEFAULT false NOT NULL,
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
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



INSERT INTO public.__diesel_schema_migrations VALUES ('00000000000001', '2026-11-28 13:45:41.176174');



INSERT INTO public.diary_v1_entry VALUES ('first', 1795873541666019, 'Dear diary', true, 'abc');






INSERT INTO public.mainstay_contracts VALUES (1, '13033f4678cc4f5d7886bbd2f4725671f483fbe640e02500b4e393c6d7a3be25', '[{"path":"diary/v1/entry.proto","text":"syntax = \"proto3\";\n\npackage diary.v1;\n\nimport \"buf/validate/validate.proto\";\nimport \"google/api/field_behavior.proto\";\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n\n// Later versions refuse what is said of `public` and of `code`: the first has a default that an explicit false would lose, the\n// second a pattern in the words of another dialect.\nmessage Entry {\n  option (google.api.resource) = {type: \"diary.example.org/Entry\" pattern: \"entries/{entry}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string text = 2;\n  bool public = 3 [(mainstay.v1.field).default = \"true\"];\n  string code = 4 [(buf.validate.field).string.pattern = \"(?x)^ [a-wyz]* $\"];\n}\n"}]', '{"version":1,"resources":{"diary.example.org/Entry":{"message":"diary.v1.Entry","natural_table":"diary_v1_entry","table":"diary_v1_entry","primary_key":"diary_v1_entry_pkey","columns":{"key:0":{"natural":"_id","name":"_id","type":"text","nullable":false},"revision":{"natural":"_revision","name":"_revision","type":"int","nullable":false},"2":{"natural":"text","name":"text","type":"text","nullable":false},"3":{"natural":"public","name":"public","type":"bool","nullable":false},"4":{"natural":"code","name":"code","type":"text","nullable":false}},"fields":{"1":{"name":"name","signature":{"type":"string","label":"implicit"}},"2":{"name":"text","signature":{"type":"string","label":"implicit"}},"3":{"name":"public","signature":{"type":"bool","label":"implicit"}},"4":{"name":"code","signature":{"type":"string","label":"implicit"},"checks":["must match (?x)^ [a-wyz]* $"]}},"references":{},"indexes":[],"column_names":{"_id":"key:0","_revision":"revision","code":"4","public":"3","text":"2"}}},"names":{"diary_v1_entry":"table of diary.example.org/Entry","diary_v1_entry_pkey":"primary key of diary.example.org/Entry"}}', 1795873541221826);



INSERT INTO public.mainstay_keys VALUES ('page-token', '\x5ae696c871f040c6c3747b5ffadb34997c664eb9b3feebe1e6df1643038d7fac6934fbc2cc402b1588a4710c845c0115d6383a7f1885a8deb967952c', 1795873541215678);



ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);



ALTER TABLE ONLY public.diary_v1_entry
    ADD CONSTRAINT diary_v1_entry_pkey PRIMARY KEY (_id);



ALTER TABLE ONLY public.mainstay_answers
    ADD CONSTRAINT mainstay_answers_pkey PRIMARY KEY (principal, method, request_id);



ALTER TABLE ONLY public.mainstay_contracts
    ADD CONSTRAINT mainstay_contracts_pkey PRIMARY KEY (revision);



ALTER TABLE ONLY public.mainstay_keys
    ADD CONSTRAINT mainstay_keys_pkey PRIMARY KEY (purpose);



CREATE INDEX mainstay_answers_expiry ON public.mainstay_answers USING btree (expires_at);




