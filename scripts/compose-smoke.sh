#!/bin/sh
# Prove that compose.yaml works, on a machine with a Docker engine: build, migrate, make a key, ask,
# approve, wait for the end, take everything down. It uses a project and secrets of its own.
set -eu
cd "$(dirname "$0")/.."

for tool in docker curl jq openssl; do
    command -v "$tool" >/dev/null || { echo "$tool is not here: install it." >&2; exit 1; }
done
docker compose version >/dev/null 2>&1 ||
    { echo "Docker has no compose plugin here: install docker-compose-plugin." >&2; exit 1; }

export COMPOSE_PROJECT_NAME=chiffon-smoke CHIFFON_ADMINS=smoke

ended() {
    status=$?
    if [ "$status" -ne 0 ]; then
        docker compose ps --all || true
        docker compose logs --no-color --tail 100 || true
    fi
    docker compose down --volumes --timeout 60 || status=1
    exit "$status"
}
trap ended EXIT
trap 'exit 130' INT TERM

sh scripts/compose-secrets.sh
docker compose build
key=$(docker compose run --rm -T serve keys add smoke --person smoke | tail -n 1)
docker compose up --detach --wait --wait-timeout 300

first=http://$(docker compose port --index 1 serve 8080)
second=http://$(docker compose port --index 2 serve 8080)

call() { # ADDRESS PATH [BODY]
    set -- "$1/api/v1/$2" ${3:+--header "Content-Type: application/json" --data "$3"}
    curl --silent --show-error --fail-with-body --max-time 30 \
        --header "Authorization: Bearer $key" "$@"
}

ask='{"request": "Deploy Kuma Uptime and add existing portals to config", "user_id": "smoke"}'
tries=0
until plan=$(call "$first" request "$ask" | jq --exit-status --raw-output .plan_id); do
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || { echo "No plan came of it." >&2; exit 1; }
    sleep 3
done
# The other replica decides.
call "$second" "plan/$plan/approve" '{"approved": true, "user_id": "smoke"}' >/dev/null

tries=0
while :; do
    status=$(call "$first" "plan/$plan/status" | jq --raw-output .status)
    case $status in
    completed) break ;;
    failed | cancelled | expired | rejected) echo "The plan ended: $status" >&2; exit 1 ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "The plan is still $status." >&2; exit 1; }
    sleep 2
done
[ "$(docker compose ps --status running --quiet serve | wc -l)" -eq 2 ]
docker compose exec -T agent chiffon healthy agent
echo "Asked of one replica, approved at the other, done by the agent: plan $plan is completed."
