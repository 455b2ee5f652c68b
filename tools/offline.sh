#!/usr/bin/env bash
# offline.sh COMMAND ...: run a command with no network but loopback.
# Where the machine allows no network namespace, say so and run it all the
# same; where CI is set, refuse.
set -u

# a container may set neither, and the test runner asks for both
export USER="${USER:-$(id -u)}" HOME="${HOME:-$PWD/_build/home}"

run_there='
python3 -c "
import fcntl, socket, struct
request = struct.pack(\"16sh\", b\"lo\", 0x41)  # IFF_UP and IFF_RUNNING
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, request)
" && exec "$@"'

export BOOK_NETWORK=off
for flags in -n -rn; do
    if unshare "$flags" true 2>/dev/null; then
        exec unshare "$flags" bash -c "$run_there" offline "$@"
    fi
done
if sudo -n unshare -n true 2>/dev/null; then
    # root makes the namespace, the command runs as the caller again
    exec sudo -n -E env "PATH=$PATH" "HOME=$HOME" \
        unshare -n bash -c "$run_there" offline \
        setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups "$@"
fi

export BOOK_NETWORK=on
if [ -n "${CI:-}" ]; then
    echo "offline.sh: CI is set and this machine allows no network namespace: allow unshare or sudo" >&2
    exit 1
fi
echo "offline.sh: no network namespace on this machine, the network stays on" >&2
exec "$@"
