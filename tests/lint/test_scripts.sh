#!/bin/bash
# Facts about scripts/: prints TAP.  usage: test_scripts.sh SOURCE-ROOT
set -u -o pipefail
export LC_ALL=C
cd "$1" || exit 1

mapfile -t programs < <(grep -l '^#!' scripts/* .ci/run tests/lint/*)
mapfile -t bash_programs < <(grep -l '^#!/bin/bash' "${programs[@]}")

n=0
# report NAME: one TAP line from the status of the last command
report() {
    local status=$?
    n=$((n + 1))
    [ $status -eq 0 ] || printf 'not '
    printf 'ok %d - %s\n' $n "$1"
}

every_package_has_a_reason() {
    awk '/^#|^$/ { next }
         NF < 3 || $2 !~ /^(build|run|test)$/ || seen[$1]++ { print "# " $0; bad = 1 }
         END { exit bad }' scripts/packages.txt
}

scripts_can_be_run() {
    local file bad=0
    for file in "${programs[@]}"; do
        [ -x "$file" ] || { echo "# $file"; bad=1; }
    done
    return $bad
}

scripts_have_no_syntax_error() {
    local file bad=0
    for file in "${bash_programs[@]}"; do
        bash -n "$file" || bad=1
    done
    return $bad
}

help_is_printed_and_unknown_options_are_refused() {
    local script
    for script in fresh reliability setup soak test; do
        grep -q '^usage: ' <<< "$("scripts/$script" --help)" || return 1
        "scripts/$script" --no-such-option 2> /dev/null
        [ $? -eq 2 ] || return 1
    done
    grep -q '^usage: ' <<< "$(scripts/bench --help)"
}

totals_count_all_that_ran_and_say_why_it_did_not_pass() {
    local log output
    log=$(mktemp) || return 1
    cat > "$log" <<'END'
{"name": "a", "result": "FAIL", "stdout": "1..3\nok - a::x\nok - a::y  # SKIP no y\nnot ok - a::z\n  - z.c:7: |+\n"}
{"name": "b", "result": "OK", "stdout": "ok, not TAP\n"}
{"name": "c", "result": "ERROR", "stdout": "1..2\nok - c::x\n"}
{"name": "d", "result": "TIMEOUT", "stdout": ""}
{"name": "e", "result": "SKIP"}
END
    output=$(scripts/count-tests --broken 1 "$log" "$log.absent" 2> /dev/null)
    local status=$?
    rm -f "$log"
    grep -q ': a: a::y: no y$' <<< "$output" || return 1
    grep -q '^ *- z.c:7: ' <<< "$output" || return 1
    [ $status -eq 1 ] && [ "$(tail -n 1 <<< "$output")" = '3 passed, 5 failed, 2 skipped' ]
}

echo 1..6
every_package_has_a_reason
report every_package_has_a_reason
scripts_can_be_run
report scripts_can_be_run
scripts_have_no_syntax_error
report scripts_have_no_syntax_error
help_is_printed_and_unknown_options_are_refused
report help_is_printed_and_unknown_options_are_refused
totals_count_all_that_ran_and_say_why_it_did_not_pass
report totals_count_all_that_ran_and_say_why_it_did_not_pass
if command -v shellcheck > /dev/null; then
    shellcheck -x "${bash_programs[@]}" | sed 's/^/# /'
    report shellcheck_finds_nothing
else
    echo 'ok 6 - shellcheck_finds_nothing # SKIP shellcheck is not installed'
fi
