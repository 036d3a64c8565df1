#!/bin/sh
# Make the secrets that compose.yaml reads: ./secrets/ (or the folder named), random, never shown.
#
# Passwords that are there are kept, so that it may run again; the rest is made from them.
# The folder is for its owner alone (0700). The files in it are 0444, since Compose mounts them as
# they are, and the containers' users, whom this machine does not know, have to read them.
set -eu
umask 077

folder=${1:-$(dirname "$0")/../secrets}

if ! command -v openssl >/dev/null; then
    echo "openssl is not here: install it (Debian, Ubuntu: apt-get install openssl)." >&2
    exit 1
fi
mkdir -p "$folder"
cd "$folder"
chmod 0700 .

put() { # NAME: write what comes in, whole or not at all
    cat >".$1.new"
    chmod 0444 ".$1.new"
    mv -f ".$1.new" "$1"
}

password() { # NAME: print the password, made the first time
    [ -s "$1" ] || openssl rand -hex 24 | tr -d '\n' | put "$1"
    cat "$1"
}

hashed() { # PASSWORD: as RabbitMQ keeps it, base64(salt + sha256(salt + password))
    openssl rand 4 >.salt
    { cat .salt; printf %s "$1"; } | openssl dgst -sha256 -binary >.digest
    cat .salt .digest | openssl base64 -A
    rm .salt .digest
}

password postgres_superuser_password >/dev/null
postgres=$(password postgres_password)
rabbitmq=$(password rabbitmq_password)
agent=$(password rabbitmq_agent_password)

printf %s "postgresql+asyncpg://chiffon:$postgres@postgres/chiffon?sslmode=verify-full&sslrootcert=/run/certs/ca.pem" |
    put database_url
printf %s "amqps://chiffon:$rabbitmq@rabbitmq:5671/chiffon?cafile=/run/certs/ca.pem" | put broker_url
printf %s "amqps://agent:$agent@rabbitmq:5671/chiffon?cafile=/run/certs/ca.pem" |
    put agent_broker_url

# What an agent may: have queues of its own, send to Chiffon's, read its own. Not read results.
put rabbitmq_definitions.json <<END
{
  "users": [
    {"name": "chiffon", "password_hash": "$(hashed "$rabbitmq")",
     "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []},
    {"name": "agent", "password_hash": "$(hashed "$agent")",
     "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}
  ],
  "vhosts": [{"name": "chiffon"}],
  "permissions": [
    {"user": "chiffon", "vhost": "chiffon", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "agent", "vhost": "chiffon",
     "configure": "^(agent\\\\..*|chiffon\\\\.dead)\$",
     "write": "^(amq\\\\.default|agent\\\\..*|chiffon\\\\..*)\$",
     "read": "^agent\\\\..*\$"}
  ]
}
END
echo "The secrets are in $(pwd)"
