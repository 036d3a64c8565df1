#!/bin/sh
# Write constraints.txt: every package of every extra, newest versions, all hashes.
# With two arguments: the packages that the first one lists, into the second one.
#
# pip-tools lives in a folder of its own for the time of the call, and pip's settings of this
# machine are left out: they would add local addresses, and the hashes of local files only.
set -eu

here=$(dirname "$0")
from=${1:-pyproject.toml}
into=${2:-constraints.txt}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONSTRAINT PIP_NO_INDEX
export PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
export CUSTOM_COMPILE_COMMAND="make constraints"

# The oldest Python that is supported resolves: what it takes, the newer ones take too.
[ -n "${PYTHON:-}" ] || ! command -v python3.11 >/dev/null || export PYTHON=python3.11
sh "$here/python.sh" -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet "pip-tools>=7.5"
"$room/venv/bin/pip-compile" --quiet --upgrade $([ "$from" = pyproject.toml ] && echo --all-extras) \
    --no-strip-extras --generate-hashes \
    --allow-unsafe --no-annotate \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --output-file "$room/constraints.txt" "$from"
mv "$room/constraints.txt" "$into"
echo "$into pins $(grep -c '==' "$into") packages."
