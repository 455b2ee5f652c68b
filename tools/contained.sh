#!/usr/bin/env bash
# contained.sh PATH ... -- COMMAND ...: run a command that can read the
# system's programs and the paths, write to an empty /tmp, and reach no other
# file or process and no network. It needs Linux and util-linux.
# Where the machine allows no namespaces, stop with status 125.
set -eu

if [ "${1:-}" != inside ]; then
    ROOT=$(mktemp -d)
    export ROOT
    trap 'rmdir "$ROOT"' EXIT
    new=(unshare --mount --net --pid --ipc --uts --fork --kill-child)
    if ! "${new[@]}" mount -t proc proc "$ROOT" 2>/dev/null; then
        new+=(--map-root-user)
        "${new[@]}" mount -t proc proc "$ROOT" 2>/dev/null || exit 125
    fi
    "${new[@]}" bash "$0" inside "$@"
    exit
fi

shift
mount -t tmpfs -o mode=755,size=1m contained "$ROOT"
show() { # show PATH [FLAGS]: let it be there, under its own name
    if [ -L "$1" ]; then
        cp -P "$1" "$ROOT$1"
        return
    elif [ -d "$1" ]; then
        mkdir -p "$ROOT$1"
    elif [ -e "$1" ]; then
        mkdir -p "$(dirname "$ROOT$1")"
        touch "$ROOT$1"
    else
        return 0
    fi
    mount --rbind "$1" "$ROOT$1"
    mount -o "remount,bind,${2:-ro,nosuid,nodev}" "$ROOT$1"
}
mkdir "$ROOT/proc" "$ROOT/tmp"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=1777,size=256m tmp "$ROOT/tmp"
for path in /usr /bin /sbin /lib /lib32 /lib64 /etc/ld.so.cache; do
    show "$path"
done
for path in null zero random urandom; do show "/dev/$path" nosuid; done
while [ "$1" != -- ]; do
    show "$1"
    shift
done
shift
ln -s /tmp "$ROOT/dev/shm"
mount -o remount,bind,ro "$ROOT"
echo 1000 >/proc/self/oom_score_adj # the first to go when memory is short

# from here on nothing else exists, and no right to bring it back
cd "$ROOT"
pivot_root . .
umount -l .
cd /tmp
drop=(--no-new-privs --bounding-set -all --inh-caps -all)
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    drop+=(--reuid 65534 --regid 65534 --clear-groups)
fi
exec setpriv "${drop[@]}" env -i PATH=/usr/bin HOME=/home TMPDIR=/tmp \
    MPLCONFIGDIR=/tmp MPLBACKEND=Agg OMP_NUM_THREADS=1 PYTHONHASHSEED=0 \
    PYTHONDONTWRITEBYTECODE=1 "PYTHONPATH=${PYTHONPATH:-}" "$@"
