#!/bin/sh
# What compose.yaml uses of the official image's entry point: the first start makes the cluster from POSTGRES_USER,
# POSTGRES_DB and POSTGRES_PASSWORD_FILE. It is renamed into place, so that one that is there is whole.
set -eu
if [ ! -d "$PGDATA" ]; then
    fresh="$PGDATA.new"
    rm -rf "$fresh"
    initdb --pgdata "$fresh" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 \
        --encoding UTF8 --locale C
    echo "listen_addresses = '*'" >> "$fresh/postgresql.conf"
    echo "unix_socket_directories = '/tmp'" >> "$fresh/postgresql.conf"
    echo 'host all all all scram-sha-256' >> "$fresh/pg_hba.conf"
    echo "create database \"$POSTGRES_DB\"" | postgres --single -D "$fresh" postgres
    mv "$fresh" "$PGDATA"
fi
exec "$@"
