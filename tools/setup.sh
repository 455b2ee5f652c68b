#!/usr/bin/env bash
# Set up .venv from requirements.txt, once; quick when it is already there.
# A set-up that was interrupted is begun anew by running the same command.
set -u
cd "$(dirname "$0")/.."

fail() { echo "set-up: $*" >&2; exit 1; }

ready=.venv/requirements.txt # a copy, written when all is installed
cmp -s requirements.txt "$ready" && exit 0

python=${PYTHON:-python3}
command -v "$python" >/dev/null ||
    fail "there is no '$python': install Python 3.11 or newer, or name one with make PYTHON=/path/to/python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: install Python 3.11 or newer, or name one with make PYTHON=/path/to/python3.11"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "this Python has no venv or pip module: install them (Debian, Ubuntu: apt install python3-venv python3-pip)"

room() { # room FOLDER GIGABYTES: stop unless so much is free there
    local free
    free=$(df -Pk "$1" | awk 'NR == 2 {print int($4 / 1048576)}')
    [ "$free" -ge "$2" ] ||
        fail "$1 has $free GB free, the packages need $2 GB: free some space, or move the project or TMPDIR"
}

if [ -f "$ready" ]; then
    echo "Updating .venv: requirements.txt has changed ..."
    rm "$ready"
else
    room . 8
    room "${TMPDIR:-/tmp}" 4
    echo "Setting up .venv with $("$python" --version): about 6 GB and two minutes, this once ..."
    "$python" -m venv --clear .venv || fail "could not make .venv: see the message above"
fi
.venv/bin/python -m pip install --disable-pip-version-check --requirement requirements.txt |
    grep --line-buffered -v 'already satisfied'
[ "${PIPESTATUS[0]}" -eq 0 ] ||
    fail "installing the packages failed (see above): check network and disk space, then run the same command again"
cp requirements.txt "$ready"
echo "Set up."
