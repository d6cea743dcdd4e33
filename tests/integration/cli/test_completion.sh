#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What shells complete, and that the manual knows every option.
#
# usage: test_completion.sh STRANDLINE SOURCE_ROOT; prints TAP
strandline=$1
manual=$2/docs/strandline.1
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
n=0 failed=0

# report FACT: one line of TAP from the status of the last command
report() {
    local status=$?
    n=$((n + 1))
    [ $status -eq 0 ] || { failed=1; printf 'not '; }
    printf 'ok %d - %s\n' $n "$1"
}

commands=$("$strandline" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

options_of() { # options_of COMMAND: without the dashes
    "$strandline" "$1" --help | sed -n 's/^ *\(-[a-z], \)*--\([a-z-]*\).*/\2/p'
}

# Every option of every command stands in a line of the file that the pattern picks; COMMAND and
# OPTION stand for themselves.
every_option_is_in() { # every_option_is_in FILE PATTERN
    local command option pattern good=0
    for command in $commands; do
        for option in $(options_of "$command"); do
            pattern=${2//COMMAND/$command}
            grep -q -e "${pattern//OPTION/$option}" "$1" ||
                { echo "# --$option of $command is missing"; good=1; }
        done
    done
    return $good
}

# completes WORD... -> what bash offers for the last word, a line each; words as readline cuts them
completes() {
    COMP_WORDS=(strandline "$@") COMP_CWORD=$#
    _strandline
    printf '%s\n' "${COMPREPLY[@]}" | sort
}

completes_to() { # completes_to FACT OFFERED WORD...: OFFERED are all words, in order
    local fact=$1 offered=$2 got
    shift 2
    got=$(completes "$@" | paste -s -d ' ')
    [ "$got" = "$offered" ] || { echo "# $got"; false; }
    report "$fact"
}

for shell in bash zsh fish; do
    "$strandline" completion $shell > "$work/$shell"
    report "what $shell completes is printed"
    if command -v $shell > /dev/null; then
        $shell -n "$work/$shell"
        report "$shell reads it"
    else
        n=$((n + 1))
        echo "ok $n - $shell reads it # SKIP $shell is not installed"
    fi
done
every_option_is_in "$work/bash" '^    1:COMMAND:\*:-\*).* --OPTION '
report "bash completes every option"
sed -n 's/^    \([a-z]*\))$/# \1/p; /^ *.\*/p' "$work/zsh" |
    awk '/^#/ { command = $2; next } { print command " " $0 }' > "$work/zsh-options"
every_option_is_in "$work/zsh-options" "^COMMAND .*--OPTION[]='}[]"
report "zsh completes every option"
every_option_is_in "$work/fish" "seen_subcommand_from COMMAND' -l OPTION "
report "fish completes every option"

# shellcheck source=/dev/null
. "$work/bash"
cd "$work" || exit 1
touch report.json 'two words.json'
completes_to "a command is completed" "selftest show snapshot" s
completes_to "a hidden command is not" "" subj
completes_to "an option is completed" "--max-descriptors --max-leaks --max-processes" gate --max
completes_to "a word is completed" "always auto" gate --color a
completes_to "a word behind an equals sign is, too" "always auto" gate --color = a
completes_to "all words are offered behind an equals sign" "auto bpf proc ptrace" \
    snapshot --source =
completes_to "a list goes on behind its comma" "keyed,unified" run -m keyed,u
completes_to "a fault is completed" "key-split" run --fault key
completes_to "a scenario is completed" "medium" run med
completes_to "a scenario may be a file" "report.json" run rep
completes_to "a report is a file" "report.json" gate --json rep
completes_to "a name with a space stays whole" "two words.json" compare report.json two
completes_to "a file is completed behind its option" "report.json" run --output rep
completes_to "nothing is offered for a number" "" run --trials ''
completes_to "a process is completed" "self" snapshot se
completes_to "help is of a command" "gate" help ga
completes_to "the name of a command is an operand elsewhere" "" gate run

# In the synopsis of its command, and somewhere in the description.
every_option_in_the_manual() {
    local command option part good=0
    sed -n '/^\.Sh DESCRIPTION/,$p' "$manual" > "$work/description"
    for command in $commands; do
        sed -n "/^\.Cm $command\$/,/^\.Nm/p; /^\.Sh DESCRIPTION/q" "$manual" > "$work/synopsis"
        for option in $(options_of "$command"); do
            [ "$option" = help ] && continue
            for part in synopsis description; do
                grep -q -e "[l|] -$option\b" "$work/$part" && continue
                echo "# --$option of $command is missing in the $part"
                good=1
            done
        done
    done
    return $good
}
every_option_in_the_manual
report "the manual explains every option"
echo "1..$n"
exit $failed
