#!/bin/sh
# Run the first Python >= 3.11 found (or the one PYTHON names) with the given arguments.
set -eu

for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$candidate" "$@"
    fi
done

if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON is not a Python 3.11 or newer: name another one." >&2
else
    echo "No Python 3.11 or newer was found: install one, or name it with make PYTHON=/path/to/python3." >&2
fi
exit 1
