#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With little of what a process needs, every command ends with an exit status of its own: 0, or 3
# and a sentence.  No library and no signal ends it.
#
# usage: test_limits.sh STRANDLINE SOURCE_ROOT; prints TAP
strandline=$1
report=$2/tests/data/report/valid/full.json
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
n=0 failed=0

# answers LIMIT COMMAND...: 0, or 3 with a sentence; 127 is the loader's, before there is a program.
answers() {
    limit=$1
    shift
    # shellcheck disable=SC3045
    (ulimit $limit && exec "$@") >"$work/out" 2>"$work/err" </dev/null
    got=$?
    case $got in
    0 | 127) true ;;
    3) [ -s "$work/err" ] || grep -q "^not \|^could not\|^inconclusive" "$work/out" ;;
    *) false ;;
    esac || { echo "# ulimit $limit: status $got"; sed "s/^/# /" "$work/err"; return 1; }
}

# check FACT OPTION "VALUES" COMMAND...
check() {
    fact=$1 option=$2 values=$3
    shift 3
    ok=ok
    for value in $values; do
        answers "$option $value" "$@" || ok="not ok"
    done
    n=$((n + 1))
    echo "$ok $n - $fact"
    [ "$ok" = ok ] || failed=1
}

skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

run() { # with a report of its own
    check "$1" "$2" "$3" "$strandline" run --transport memory --mode direct --trials 1 \
        --output "$work/report.json" --no-verdict low
}

kib() { # kib FROM STEP TO, in MiB
    at=$1
    while [ "$at" -le "$3" ]; do
        printf '%s ' $((at * 1024))
        at=$((at + $2))
    done
}

if (ulimit -v 1048576 && "$strandline" --version) >/dev/null 2>&1; then
    check "little memory does not end doctor" -v "$(kib 15 7 64)" "$strandline" doctor
    check "little memory does not end a snapshot" -v "$(kib 14 6 68)" "$strandline" snapshot $$
    check "little memory does not end a comparison" -v "$(kib 12 3 24)" "$strandline" compare \
        "$report" "$report"
    run "little memory does not end a run" -v "$(kib 14 12 74)"
else
    for command in doctor snapshot compare run; do
        skip "little memory does not end $command" "a sanitizer takes more addresses than there are"
    done
fi
check "few descriptors do not end doctor" -n "4 6 8 9 10 12 16" "$strandline" doctor
check "few descriptors do not end a snapshot" -n "4 6 8 9 10 12 16" "$strandline" snapshot $$
run "few descriptors do not end a run" -n "4 8 12 16 24"
if (ulimit -s 96 && "$strandline" --version) >/dev/null 2>&1; then
    check "a small stack does not end doctor" -s "96 128 256" "$strandline" doctor
    check "a small stack does not end a snapshot" -s "96 128 256" "$strandline" snapshot --json --all $$
    run "a small stack does not end a run" -s "96 128 256"
fi
echo "1..$n"
exit $failed
