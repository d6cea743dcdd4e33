#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The frame of the command line, gate and compare: exit statuses and messages.
#
# usage: test_cli.sh STRANDLINE SOURCE_ROOT; prints TAP
strandline=$(realpath "$1")
reports=$2/tests/data/report validate=$2/scripts/validate-report
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
cd "$work" || exit 1 # where a run would write its report
n=0 failed=0

# check FACT STATUS STREAM TEXT COMMAND...: the command ends with STATUS and TEXT stands in
# STREAM (out or err); an empty TEXT wants an empty STREAM.
check() {
    fact=$1 status=$2 stream=$3 text=$4
    shift 4
    n=$((n + 1))
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    ok=ok
    [ "$got" -eq "$status" ] || ok="not ok"
    if [ -n "$text" ]; then
        grep -qF -- "$text" "$work/$stream" || ok="not ok"
    else
        [ ! -s "$work/$stream" ] || ok="not ok"
    fi
    echo "$ok $n - $fact"
    [ "$ok" = ok ] && return
    failed=1
    sed "s/^/# status $got, /" "$work/out" "$work/err"
}

to() { # to FILE COMMAND...: standard output to FILE
    file=$1
    shift
    "$@" >"$file"
}

closed() { "$@" >&-; }

valid() { # 77: it cannot be asked here
    "$validate" "$@" 2>"$work/invalid" || [ $? = 77 ] || { cat "$work/invalid" >&2; return 1; }
}

piped() { # piped FILE COMMAND...: standard input from FILE
    file=$1
    shift
    "$@" <"$file"
}

# The reader of the pipe is gone before anything is written to it.
broken_pipe() {
    { while [ ! -e "$work/gone" ]; do sleep 0.01; done; "$@"; echo $? >"$work/status"; } |
        { exec <&-; : >"$work/gone"; }
    rm "$work/gone"
    return "$(cat "$work/status")"
}

check "no command is wrong usage" 2 err "see 'strandline --help'" "$strandline"
check "an unknown command is wrong usage" 2 err "unknown command 'nope'" "$strandline" nope
check "a command that is nearly one is guessed" 2 err "did you mean 'gate'?" "$strandline" gaet
check "a short command is guessed" 2 err "unknown command 'rn', did you mean 'run'?" "$strandline" rn
check "an option in place of a command is guessed" 2 err "did you mean '--version'?" \
    "$strandline" --verison
check "what is no command but an option is guessed" 2 err "did you mean '--version'?" \
    "$strandline" version
check "what is like nothing is not guessed" 2 err "unknown command 'frobnicate'" \
    "$strandline" frobnicate
check "an option that is nearly one is guessed" 2 err \
    "unknown option '--max-leak-s', did you mean '--max-leaks'?" \
    "$strandline" gate --max-leak-s=3 x
check "help guesses, too" 2 err "unknown command 'rnu', did you mean 'run'?" "$strandline" help rnu
check "an unknown option says where the help is" 2 err "see 'strandline gate --help'" \
    "$strandline" gate --nope "$reports/valid/ok.json"
check "an unknown option is named" 2 err "unknown option '--nope'" "$strandline" gate --nope=1 x
check "an unknown letter is named" 2 err "unknown option '-q'" "$strandline" gate -q x
check "an option without its argument is named" 2 err "option '--max-leaks' needs an argument" \
    "$strandline" gate --max-leaks
check "an argument too many is refused" 2 err "option '--json' takes no argument" \
    "$strandline" gate --json=1 x
check "wrong usage prints nothing on standard output" 2 out "" "$strandline" gate --nope
check "help lists the commands" 0 out "  gate " "$strandline" --help
check "help states the exit statuses" 0 out "could not measure" "$strandline" help
check "a cluster has an odd number of nodes" 2 err "--cluster: '2' is not 1, 3 or 5" \
    "$strandline" run --cluster 2
check "a cluster is of a private server" 2 err "not with --server" \
    "$strandline" run --cluster 3 --server nats://127.0.0.1:1
check "a cluster needs a transport that uses it" 2 err "--cluster needs --transport nats" \
    "$strandline" run --cluster 3 --transport memory
check "replicas need servers" 2 err "--replicas 3 needs as many servers" \
    "$strandline" run --replicas 3
check "agents are called over a server that is named" 2 err "--agents needs --server" \
    "$strandline" run --agents 2
check "agents need a number or roles" 2 err "--agents: 'two' is neither a number" \
    "$strandline" run --agents two --server nats://127.0.0.1:1
check "somebody has to publish" 2 err "--agents: 'consume=1' has nobody who publishes" \
    "$strandline" run --agents consume=1 --server nats://127.0.0.1:1
check "agents share no load in memory" 2 err "--agents need --transport nats alone" \
    "$strandline" run --agents 1 --server nats://127.0.0.1:1 --transport nats,memory
check "agents wait a time" 2 err "--agents-wait: " \
    "$strandline" run --agents 1 --agents-wait soon --server nats://127.0.0.1:1
check "agents without a server at all are not measured" 3 err "cannot connect to NATS" \
    "$strandline" run --agents 1 --server nats://127.0.0.1:1
check "an agent needs a server" 2 err "strandline agent: --server is needed" "$strandline" agent
check "an agent has a role" 2 err "--role: 'boss' is not load, consume or any" \
    "$strandline" agent --role boss
check "an agent without a server that answers ends" 3 err "cannot connect to NATS" \
    "$strandline" agent --server nats://127.0.0.1:1,nats://127.0.0.1:2
check "help of a command" 0 out "usage: strandline gate" "$strandline" help gate
check "--help of a command" 0 out "--max-leaks N" "$strandline" gate --help
# Every key of the schema.
"$strandline" help scenario >"$work/scenario"
missing=$(sed -n 's/^ *"\([a-z_]*\)": {$/\1/p' "$2/scenarios/scenario.schema.json" | sort -u |
    while read -r key; do
        case $key in
        default | duration | if | items | not | properties | size | then | variant) continue ;;
        esac
        grep -q "\\b$key\\b" "$work/scenario" || printf ' %s' "$key"
    done)
printf '%s\n' "$missing" >"$work/missing"
check "help scenario names every key" 1 out "" grep . "$work/missing"
check "a line of help fits into 80 columns" 1 out "" awk 'length > 80 { n++; print } END { exit !n }' \
    "$work/scenario"
check "the version" 0 out "strandline 0." "$strandline" --version

check "a good report is ok" 0 out "ok: 4 trials in 2 cells, accepted 2000 of 2000 messages, 0 leaked" \
    "$strandline" gate "$reports/valid/ok.json"
check "the control is shown" 0 out "control: planted 5, found 5" \
    "$strandline" gate "$reports/valid/ok.json"
check "leaks fail" 1 out "failed: low/keyed/memory trial 2: 3 leaked threads in 2 groups (limit 0)" \
    "$strandline" gate "$reports/valid/leaks.json"
check "leaks within the limit are ok" 0 out "ok: " \
    "$strandline" gate "$reports/valid/leaks.json" --max-leaks 3
check "a leak is named" 1 out "leaked: 2 x worker_main: parked, " \
    "$strandline" gate "$reports/valid/leaks.json"
rules() { # rules TEXT: a rule file of one ignore rule
    echo '{"schema": "strandline.rules/1", "ignore": [{'"$1"'}]}' >"$work/r.json"
}
rules '"thread_nam": "x", "reason": "r"'
check "a rule file is refused with file, line, column and key" 2 err \
    "r.json:1:46: ignore[0].thread_nam: unknown key, did you mean 'thread_name'?" \
    "$strandline" run low --dry-run --rules r.json
rules '"thread_name": "*", "reason": "r"'
check "a rule that fits every thread is refused" 2 err "r.json:1:45: ignore[0]: this pattern fits" \
    "$strandline" run low --dry-run --rules r.json
check "a rule file that is not there is wrong usage" 2 err "cannot open 'none.json'" \
    "$strandline" run low --dry-run --rules none.json
cp r.json .strandline.json
check "rules of the working directory are read" 2 err ".strandline.json:1:45: " \
    "$strandline" run low --dry-run
check "and not without rules" 0 out "low" "$strandline" run low --dry-run --no-rules
rm .strandline.json
check "rules and none exclude each other" 2 err "exclude each other" \
    "$strandline" run low --dry-run --no-rules --rules r.json
check "leaks of the baseline are known" 0 out "known: 2 x worker_main: parked, " \
    "$strandline" gate "$reports/valid/leaks.json" --baseline "$reports/valid/leaks.json"
check "leaks that the baseline has not are new" 1 out "new: 2 x worker_main: parked, " \
    "$strandline" gate "$reports/valid/leaks.json" --baseline "$reports/valid/ok.json"
check "without the baseline nothing can be told, and how to make it" 4 err \
    "make it with: strandline gate $reports/valid/ok.json --baseline b.json --update-baseline" \
    "$strandline" gate "$reports/valid/ok.json" --baseline b.json
check "neither can a run be judged" 4 err "No such file" \
    "$strandline" run low --dry-run --baseline b.json
check "growth without an update is wrong usage" 2 err "needs --update-baseline" \
    "$strandline" gate "$reports/valid/ok.json" --baseline b.json --allow-growth why
check "an update without a baseline is wrong usage" 2 err "needs --baseline" \
    "$strandline" gate "$reports/valid/ok.json" --update-baseline
check "a report is no baseline to be updated" 2 err "is a report" \
    "$strandline" gate "$reports/valid/ok.json" --baseline "$reports/valid/ok.json" --update-baseline
check "a baseline does not begin by itself" 4 err "No such file" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline b.json --update-baseline
check "a baseline begins with a reason" 0 err "2 added" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline b.json --update-baseline \
    --allow-growth "it was there before us"
check "a baseline is as its schema has it" 0 err "" valid b.json
check "leaks that a baseline has are known" 0 out "known: 2 x worker_main: parked, " \
    "$strandline" gate "$reports/valid/leaks.json" --baseline b.json
sed 's/"max": 2/"max": 1/' b.json >less.json
check "more of them than it has are growth" 1 out "grew: 2 x worker_main: parked, " \
    "$strandline" gate "$reports/valid/leaks.json" --baseline less.json
check "which an update alone does not allow" 1 err "0 added, 0 raised" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline less.json --update-baseline
sed 's/"max": 2/"max": 9/' b.json >more.json
check "more than there are is stale" 0 out "stale: the baseline has 9 x worker_main" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline more.json
check "and goes with an update" 0 err "1 lowered" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline more.json --update-baseline
check "which then is as if it had never been more" 0 out "" cmp b.json more.json
sed 's/"fingerprints": 1/"fingerprints": 7/' b.json >other.json
check "fingerprints of another version are refused" 2 err "fingerprints of version 7" \
    "$strandline" gate "$reports/valid/leaks.json" --baseline other.json
check "a baseline that cannot be read is wrong usage" 2 err "Is a directory" \
    "$strandline" gate "$reports/valid/ok.json" --baseline /
check "the baseline cannot be the report's standard input" 2 err "only one report" \
    "$strandline" gate - --baseline -
check "show prints the table of a report" 0 out "leaked threads of low/keyed/memory" \
    "$strandline" show "$reports/valid/leaks.json"
check "show reads standard input" 0 out "control: planted 5, found 5" \
    piped "$reports/valid/ok.json" "$strandline" show -
check "show needs a report" 2 err "one report is needed, not 0" "$strandline" show
check "show refuses what is no report" 2 err "not a strandline report" \
    "$strandline" show "$reports/invalid/other-tool/report.json"
check "the limit is a number" 2 err "'many' is not a number" \
    "$strandline" gate --max-leaks many "$reports/valid/ok.json"
check "a crash is not measured" 3 out "could not measure: low/keyed/nats trial 2: the subject" \
    "$strandline" gate "$reports/valid/full.json"
sed 's/"exit": 1/"exit": 0/' "$reports/valid/leaks.json" >"$work/lies.json"
check "the verdict in the report is not trusted" 1 out "failed: " "$strandline" gate "$work/lies.json"
check "the verdict as JSON" 1 out '"exit": 1' "$strandline" gate --json "$reports/valid/leaks.json"
check "a report from standard input" 1 out "failed: " \
    piped "$reports/valid/leaks.json" "$strandline" gate -
check "colour on demand" 1 out "$(printf '\033[31mfailed')" \
    "$strandline" gate --color=always "$reports/valid/leaks.json"
check "the flag goes before the environment" 1 out "failed: low" \
    env CLICOLOR_FORCE=1 "$strandline" gate --color=never "$reports/valid/leaks.json"
check "NO_COLOR goes before CLICOLOR_FORCE" 1 out "failed: low" \
    env NO_COLOR=1 CLICOLOR_FORCE=1 "$strandline" gate "$reports/valid/leaks.json"
check "CLICOLOR_FORCE goes before the terminal" 1 out "$(printf '\033[31mfailed')" \
    env CLICOLOR_FORCE=1 "$strandline" gate "$reports/valid/leaks.json"

check "a missing report is unreadable" 2 err "cannot open '/nonexistent/r.json': No such file" \
    "$strandline" gate /nonexistent/r.json
check "a folder is unreadable" 2 err "Is a directory" "$strandline" gate /
for case in "$reports"/invalid/*/; do
    check "gate refuses the case $(basename "$case")" 2 err "$(cat "$case/error")" \
        "$strandline" gate "$case/report.json"
done
check "compare refuses a bad report" 2 err "not a strandline report" \
    "$strandline" compare "$reports/valid/ok.json" "$reports/invalid/other-tool/report.json"

check "compare ends with 0 whatever changed" 0 out "new      0 -> 2 x worker_main: parked" \
    "$strandline" compare "$reports/valid/ok.json" "$reports/valid/leaks.json"
check "what is gone" 0 out "gone     1 -> 0 x fetch_main: io" \
    "$strandline" compare "$reports/valid/leaks.json" "$reports/valid/ok.json"
check "the comparison as JSON" 0 out '"schema": "strandline.compare/1"' \
    "$strandline" compare --json "$reports/valid/ok.json" "$reports/valid/leaks.json"
check "one report is not enough" 2 err "two reports are needed, not 1" \
    "$strandline" compare "$reports/valid/ok.json"
check "standard input holds one report" 2 err "only one report" "$strandline" compare - -

dump=$2/tests/data/goroutine/incident-low.txt
for n_mills in 4 6; do
    sed "/^2 @ /s/2/$n_mills/" "$dump" >"$work/mills-$n_mills.txt"
done
check "a dump of before Close names the read loop that lives" 0 out "not-closed: readLoop is alive: 1 x" \
    "$strandline" snapshot --goroutines "$dump"
check "diff names what grew in every step" 0 out \
    "2 -> 4 -> 6 x gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun, +2 per step, grew in every" \
    "$strandline" diff --goroutines "$dump" "$work/mills-4.txt" "$work/mills-6.txt"
check "what did not change is no change" 0 out "nothing changed" \
    piped "$dump" "$strandline" diff - "$dump"
check "a dump and its listing are the same" 0 out "nothing changed" \
    sh -c '"$0" snapshot --goroutines "$1" --json >listing.json &&
           "$0" diff listing.json "$1" && rm listing.json' "$strandline" "$dump"
check "the changes as JSON" 0 out '"counts": [2, 4],' \
    "$strandline" diff --json "$dump" "$work/mills-4.txt"
check "one look is not enough" 2 err "two looks or more are needed, not 1" "$strandline" diff "$dump"
check "standard input holds one look" 2 err "only one look" "$strandline" diff - -
check "threads are no goroutines" 2 err "goroutines" "$strandline" diff $$ "$dump"
check "a file that holds no look is refused" 2 err "no goroutines are in it" \
    "$strandline" diff "$dump" "$2/meson.build"
check "a process that is none could not be looked at" 3 err "no process 4194304" \
    "$strandline" diff "$dump" 4194304

check "a full disk behind standard output is no success" 3 err "No space left on device" \
    to /dev/full "$strandline" gate "$reports/valid/ok.json"
check "a closed standard output is no success" 3 err "cannot write to standard output" \
    closed "$strandline" gate "$reports/valid/ok.json"
check "a reader that went away is no success, and is told nothing" 3 err "" \
    broken_pipe "$strandline" gate "$reports/valid/ok.json"
check "a reader of JSON that went away is told nothing" 3 err "" \
    broken_pipe "$strandline" gate --json "$reports/valid/ok.json"
echo "1..$n"
exit $failed
