#!/bin/sh
# Create .venv in the current folder and install the checkout into it, every hash checked.
set -eu

here=$(dirname "$0")

# On Debian the venv module imports but cannot bring pip without the package python3-venv.
if ! sh "$here/python.sh" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$(sh "$here/python.sh" -c 'import sys; print(".".join(map(str, sys.version_info[:2])))')
    echo "Python $version has no venv module: install it (Debian, Ubuntu: apt-get install python$version-venv)." >&2
    exit 1
fi

if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    sh "$here/python.sh" -m venv --clear .venv
fi

echo "Installing Chiffon and the packages it needs into .venv (once, about half a minute) ..."
# Hashes and an editable project do not go together in one call. Wheels only: no compiler needed.
# The build backend is among the pinned packages, hence no isolated (and unpinned) build.
.venv/bin/python -m pip install -qq --disable-pip-version-check \
    --require-hashes --only-binary :all: -r constraints.txt
.venv/bin/python -m pip install -qq --disable-pip-version-check \
    --no-deps --no-build-isolation --editable .
