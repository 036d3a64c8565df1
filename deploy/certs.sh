#!/bin/sh
# Make a private certificate authority and the servers' certificates; what is still good stays.
#
#   certs.sh AUTHORITY PUBLIC HOST=FOLDER …
#
# AUTHORITY keeps the authority's key, PUBLIC gets its certificate alone (ca.pem), each FOLDER a
# server.pem and a server-key.pem for the name HOST. OWNER (uid:gid) may be set for the servers'.
set -eu
umask 077

authority=$1
public=$2
shift 2
month=2592000

valid() { # FILE: is it a certificate that lasts another month?
    openssl x509 -in "$1" -noout -checkend "$month" >/dev/null 2>&1
}

if ! valid "$authority/ca.pem"; then
    cat >"$authority/ca.conf" <<'END'
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = Chiffon private authority
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -config "$authority/ca.conf" -keyout "$authority/ca-key.pem" -out "$authority/ca.pem" \
        2>/dev/null
    echo "made a new authority"
fi
cp "$authority/ca.pem" "$public/ca.pem"
chmod 0444 "$public/ca.pem"
chmod 0755 "$public"

for pair in "$@"; do
    host=${pair%%=*}
    folder=${pair#*=}
    if ! valid "$folder/server.pem" ||
        ! openssl verify -CAfile "$authority/ca.pem" "$folder/server.pem" >/dev/null 2>&1; then
        cat >"$authority/server.conf" <<END
subjectAltName = DNS:$host, DNS:localhost, IP:127.0.0.1
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj "/CN=$host" -keyout "$folder/server-key.pem" -out "$authority/server.csr" \
            2>/dev/null
        openssl x509 -req -in "$authority/server.csr" -days 397 -CA "$authority/ca.pem" \
            -CAkey "$authority/ca-key.pem" -CAcreateserial -extfile "$authority/server.conf" \
            -out "$folder/server.pem" 2>/dev/null
        echo "made a certificate for $host"
    fi
    cp "$authority/ca.pem" "$folder/ca.pem"
    chmod 0700 "$folder"
    chmod 0600 "$folder"/*.pem
    if [ -n "${OWNER:-}" ]; then
        chown -R "$OWNER" "$folder"
    fi
done
