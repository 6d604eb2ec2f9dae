


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



CREATE TABLE public.account_roles (
    account_uid text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C"
);



CREATE TABLE public.accounts (
    uid text NOT NULL COLLATE pg_catalog."C",
    email text NOT NULL,
    email_key text NOT NULL COLLATE pg_catalog."C",
    email_verified boolean NOT NULL,
    password_hash text NOT NULL,
    create_time bigint NOT NULL,
    update_time bigint NOT NULL,
    revision bigint NOT NULL
);



CREATE TABLE public.sessions (
    uid text NOT NULL COLLATE pg_catalog."C",
    account_uid text NOT NULL COLLATE pg_catalog."C",
    family_hash bytea NOT NULL,
    current_hash bytea NOT NULL,
    previous_hash bytea,
    sealed_successor bytea,
    create_time bigint NOT NULL,
    refresh_time bigint NOT NULL,
    expire_time bigint NOT NULL
);



CREATE TABLE public.signing_keys (
    sequence bigint NOT NULL,
    key_id text NOT NULL COLLATE pg_catalog."C",
    public_key bytea NOT NULL,
    sealed_private_key bytea NOT NULL,
    create_time bigint NOT NULL,
    activate_time bigint NOT NULL
);



INSERT INTO public.__diesel_schema_migrations VALUES ('0001', '2026-11-28 13:31:24.216172');






INSERT INTO public.accounts VALUES ('01a2225a-7ade-7272-94b6-388b15738070', 'ada@example.org', 'ada@example.org', false, '$argon2id$v=19$m=19456,t=2,p=1$JEzCbu8qM2NzTQsJQMcZSA$/rOYzxdorzRKeu5ok/QIa1ATt9az7/8Hqo+LhEbCJNA', 1795872684766634, 1795872684766634, 1795872684766634);
INSERT INTO public.accounts VALUES ('01a2225a-7b1f-74a5-bde6-55943229fdb4', 'Niko@Example.org', 'niko@example.org', false, '$argon2id$v=19$m=19456,t=2,p=1$rLZ+syM17HSYFa5ceb8k9w$ju889GhRgXmdg3kS5bv1TEtSqOgUZ4xFAvH8S6ybewE', 1795872684831878, 1795872684831878, 1795872684831878);






INSERT INTO public.signing_keys VALUES (1, 'T0JiFKhaP8Ep6qEtVcliSidH64dKa8llSzKDKHDJTcU', '\x7c98c8a336c42613c709e990cc4bf0d82cd3cfa60e6d01cc14a7a6c854ed5b40', '\x8beaeec6735714fff8fe83c6901845a71e71db7265a9b18cf313346f50259a98052bbb49f76954684c5e44952e3f25e79ff66ba816284818db3b4700b77d488278f586937273fe4373986f36d1f8c4995444190f4f8ab213839220f4a49d3a8cc01a5d88fd638c2b539990607e7099', 1795872684263477, 1795872684263477);



ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);



ALTER TABLE ONLY public.account_roles
    ADD CONSTRAINT account_roles_pkey PRIMARY KEY (account_uid, role);



ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (uid);



ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (uid);



ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (sequence);



CREATE UNIQUE INDEX accounts_email_taken ON public.accounts USING btree (email_key);



CREATE INDEX sessions_account_uid ON public.sessions USING btree (account_uid);



CREATE UNIQUE INDEX signing_keys_key_id_taken ON public.signing_keys USING btree (key_id);



ALTER TABLE ONLY public.account_roles
    ADD CONSTRAINT account_roles_account_uid_fkey FOREIGN KEY (account_uid) REFERENCES public.accounts(uid);



ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_account_uid_fkey FOREIGN KEY (account_uid) REFERENCES public.accounts(uid);




