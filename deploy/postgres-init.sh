#!/bin/sh
# Once, on an empty volume: the role and the database that Chiffon uses. No superuser.
set -eu
psql --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set=password="$(cat "${CHIFFON_PASSWORD_FILE:-/run/secrets/postgres_password}")" <<'END'
CREATE ROLE chiffon LOGIN PASSWORD :'password';
CREATE DATABASE chiffon OWNER chiffon;
END
