#!/bin/sh
# Finds a Python that is new enough and hands over to bootstrap.py, which does everything else.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$python" "$here/bootstrap.py" "$@"
    fi
done
echo "Underpin needs Python 3.11 or newer and found none: install one (https://www.python.org/downloads/, or your system's packages) and start again." >&2
exit 1
