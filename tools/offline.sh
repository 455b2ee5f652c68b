#!/usr/bin/env bash
# offline.sh COMMAND ...: run a command with no network but loopback.
# Where the machine allows no network namespace, say so and run it all the same.
set -u

for flags in -n -rn; do
    if unshare "$flags" true 2>/dev/null; then
        export BOOK_NETWORK=off
        exec unshare "$flags" bash -c '
            python3 -c "
import fcntl, socket, struct
request = struct.pack(\"16sh\", b\"lo\", 0x41)  # IFF_UP and IFF_RUNNING
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, request)
" && exec "$@"' offline "$@"
    fi
done
echo "offline.sh: no network namespace on this machine, the network stays on" >&2
export BOOK_NETWORK=on
exec "$@"
