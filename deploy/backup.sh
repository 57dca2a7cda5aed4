#!/bin/sh
# A dump of the database now and then once a day; the newest are kept. A dump that failed is not kept, and tried again in ten
# minutes.
set -u
keep=14
while :; do
    name="galaxy-$(date -u +%Y%m%dT%H%M%SZ).dump"
    if pg_dump --format custom --dbname "$(cat /run/galaxy/postgres-url)" --file "/backups/.$name"; then
        mv "/backups/.$name" "/backups/$name"
        echo "wrote $name"
        ls -1 /backups/galaxy-*.dump | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -f "$old"; done
        pause=86400
    else
        rm -f "/backups/.$name"
        echo "the dump failed; it is tried again in ten minutes" >&2
        pause=600
    fi
    sleep "$pause" &
    trap 'kill $!; exit 0' TERM INT
    wait $!
done
