-- Why: everything the back end stores lives in one schema, so that one database can hold other
-- things beside it and one grant covers it. Each later file adds one domain's tables.
--
-- Conventions of all files: names are qualified with `backend.`; identifiers are UUIDv7 made by the
-- application; times are timestamptz; states are text under a check that lists every state; rows of
-- accounts and games are never deleted, so foreign keys to them hold for ever and none cascades.
-- A migration that has been released is never edited: a new file follows it.

create schema if not exists backend;

comment on schema backend is 'State of the Galaxy back end; each table is read and written by one owning crate';
