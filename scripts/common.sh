# Shared by the scripts of this folder, which source it; bash.
#
# Progress goes to stderr, one line a step with its time; what a step prints goes to a log in
# build/logs, and its end to the screen when the step fails.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script=$(basename "$0")

say() { printf '%s: %s\n' "$script" "$*" >&2; }
fail() { say "$@"; exit 3; }

# give_back DIR...: what root builds in somebody else's tree is that person's afterwards.
give_back() {
    local owner dir
    owner=$(stat -c %u:%g "$root")
    [ "$(id -u)" -eq 0 ] && [ "$owner" != 0:0 ] || return 0
    for dir in "$@"; do
        [ ! -d "$dir" ] || chown -R "$owner" "$dir"
    done
}

# need_writable DIR: a folder that another user built says so, with what to do about it.
need_writable() {
    local strange
    [ -e "$1" ] || return 0
    strange=$(find "$1" -maxdepth 1 ! -writable -print -quit)
    [ -z "$strange" ] || [ "$(id -u)" -eq 0 ] ||
        fail "'$strange' belongs to $(stat -c %U "$strange");" \
            "as root: chown -R $(id -un) '$1'; or name another folder: BUILD=DIR $0"
}

# step LOG TEXT COMMAND...: run it with its output in LOG and a line with the time it took;
# the status is the command's.
step() {
    local log=$1 text=$2 started=$SECONDS status=0
    shift 2
    mkdir -p "$(dirname "$log")" && : > "$log" || fail "cannot write '$log'"
    printf '%s: %s' "$script" "$text" >&2
    "$@" >> "$log" 2>&1 < /dev/null || status=$?
    printf '  %d s\n' $((SECONDS - started)) >&2
    [ $status -eq 0 ] || { tail -n 40 "$log" >&2; say "the whole output is in '$log'"; }
    return $status
}
