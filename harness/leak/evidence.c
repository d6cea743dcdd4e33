/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/evidence.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

/*
 * How a fact is told of one thread, of all of the group and, where that makes a difference, of a
 * part of them; what is not given is told as the one before.  A '$' and a letter stand for
 *
 *   N  "1 thread", "5 threads"          n, m  how many, and one less than that
 *   a  how many are in the group        i, o  the id of a thread, of the one waited for
 *   t  the fact's text                  v, s  its value, and "es" unless that is 1
 *   d  its value as a duration          E, R, L, O, S, D  a word of the caller's
 */
static const struct {
    const char *one, *all, *part;
} tellings[] = {
    [SL_FACT_NONE] = {""},
    [SL_FACT_NOT_REACHED] = {"$R"},
    [SL_FACT_WITNESS] = {"$L: $t (thread $i) is still alive",
                         "$L: $t (thread $i and $m more) is still alive"},
    [SL_FACT_OF_PROCESS] = {"$N $O: $t$S"},
    [SL_FACT_ENDED_WITH_LIBRARY] = {"$N of $t, gone after its shutdown"},
    [SL_FACT_KEPT_BY_LIBRARY] = {"$N of $t, not seen to end: $D"},
    [SL_FACT_UNJOINED] = {"$N ended and was never joined: the C library keeps its stack",
                          "$N ended and were never joined: the C library keeps their stacks"},
    [SL_FACT_WAIT] = {"$N $t"},
    [SL_FACT_WAIT_TOO] = {", $n $t"},
    [SL_FACT_WAIT_ELSEWHERE] = {", $n is elsewhere", ", $n are elsewhere"},
    [SL_FACT_IDLE] = {"; it did not run", "; none of them ran"},
    [SL_FACT_SWITCHES] = {"; $v context switch$s"},
    [SL_FACT_CPU] = {" and $d of CPU time"},
    [SL_FACT_LOOKED_AT] = {", being looked at aside,"},
    [SL_FACT_SPAN] = {" in the $d between $E and the last look"},
    [SL_FACT_NOT_MEASURED] = {"; how much it ran is not known, for $t",
                              "; how much they ran is not known, for $t",
                              "; how much $n of $a ran is not known, for $t"},
    [SL_FACT_BORN] = {"; it started after $E", "; they started after $E",
                      "; $n of $a started after $E"},
    [SL_FACT_NO_STACK] = {"; no stack: $t"},
    [SL_FACT_OUTLIVED_LIBRARY] = {"; of $t, whose shutdown did not end it",
                                  "; of $t, whose shutdown did not end them"},
    [SL_FACT_NONE_ENDED] = {"; no thread has ended since peak",
                            "; none of the $n threads at peak has ended"},
    [SL_FACT_AS_BEFORE] = {"; no thread has ended since peak: it looks the same before $E, and "
                           "where that never ran",
                           "; none of the $n threads at peak has ended: it looks the same before "
                           "$E, and where that never ran"},
    [SL_FACT_REPLACED] = {"; of $t, whose shutdown made another one in its place",
                          "; of $t, whose shutdown made others in their place",
                          "; $n of $t, whose shutdown made others in their place"},
    [SL_FACT_HOLDER] = {"; thread $o$t holds it", "; thread $o$t holds it",
                        "; thread $o$t holds what $n of $a wait for"},
    [SL_FACT_JOINED] = {"; that is thread $o$t", "; that is thread $o$t",
                        "; for $n of $a that is thread $o$t"},
    [SL_FACT_CIRCLE] = {"; in a circle of $v that nothing ends",
                        "; all in circles that nothing ends, this one of $v",
                        "; $n of $a in a circle of $v that nothing ends, the others behind it"},
    [SL_FACT_CIRCLE_WAIT] = {": thread $i$t"},
    [SL_FACT_CIRCLE_WAIT_TOO] = {", thread $i$t"},
    [SL_FACT_CIRCLE_GOES_ON] = {", and $N more"},
    [SL_FACT_QUEUE] = {"; it waits for room in $t", "; they wait for room in $t"},
    [SL_FACT_LEAST_CPU] = {"; at least $d of CPU time"},
    [SL_FACT_ENDED_HOLDER] = {"; thread $o took it, never gave it back, and is gone",
                              "; thread $o took it, never gave it back, and is gone",
                              "; thread $o took what $n of $a wait for, never gave it back, and is "
                              "gone"},
    [SL_FACT_CANDIDATES] = {"; it keeps no owner: $t", "; it keeps no owner: $t",
                            "; what $n of $a wait for keeps no owner: $t"},
    [SL_FACT_OTHERS_HOLD] = {"; $n of $a wait for others"},
};

static const char *or_neutral(const char *word, const char *neutral)
{
    return word ? word : neutral;
}

struct sl_leak_words evidence_words(const struct sl_leak_words *given)
{
    struct sl_leak_words words = {0};

    if (given)
        memcpy(&words, given, SL_MIN(given->size, sizeof words));
    words.end = or_neutral(words.end, "the end mark");
    words.not_reached = or_neutral(words.not_reached, "the end mark was never reached");
    words.left = or_neutral(words.left, "what has to end by then was left");
    words.not_ours = or_neutral(words.not_ours, "of the process");
    words.no_teardown = or_neutral(words.no_teardown, "nobody looked after its shutdown");
    return words;
}

/* As people read it: whole milliseconds, except below one. */
static const char *say_duration(uint64_t duration_ns, struct sl_arena *arena)
{
    char text[32];

    if (duration_ns >= SL_NS_PER_MS)
        duration_ns = (duration_ns + SL_NS_PER_MS / 2) / SL_NS_PER_MS * SL_NS_PER_MS;
    sl_format_duration(duration_ns, text, sizeof text);
    return sl_arena_strdup(arena, text);
}

static const char *word_of(const struct sl_leak_words *words, char letter)
{
    switch (letter) {
    case 'E':
        return words->end;
    case 'R':
        return words->not_reached;
    case 'L':
        return words->left;
    case 'O':
        return words->not_ours;
    default:
        return words->no_teardown;
    }
}

/* What a letter stands for. */
static const char *say_part(char letter, const struct sl_fact *fact, uint32_t n_group,
                            const struct sl_leak_words *words, struct sl_arena *arena)
{
    switch (letter) {
    case 'N':
        return sl_arena_printf(arena, "%" PRIu32 " thread%s", fact->count,
                               fact->count == 1 ? "" : "s");
    case 'n':
    case 'm':
    case 'a':
        return sl_arena_printf(arena, "%" PRIu32,
                               letter == 'a' ? n_group : fact->count - (letter == 'm'));
    case 'i':
    case 'o':
    case 'v':
        return sl_arena_printf(arena, "%" PRIu64,
                               letter == 'i'   ? fact->thread
                               : letter == 'o' ? fact->other
                                               : fact->value);
    case 's':
        return fact->value == 1 ? "" : "es";
    case 't':
        return fact->text;
    case 'd':
        return say_duration(fact->value, arena);
    case 'S':
        return words->strict ? sl_arena_printf(arena, " (%s counts it)", words->strict) : "";
    default:
        return word_of(words, letter);
    }
}

static const char *telling_of(const struct sl_fact *fact, uint32_t n_group)
{
    const char *telling = tellings[fact->kind].one;

    if (fact->count != 1 && tellings[fact->kind].all)
        telling = tellings[fact->kind].all;
    if (fact->count < n_group && tellings[fact->kind].part)
        telling = tellings[fact->kind].part;
    return telling;
}

const char *evidence_say(const struct sl_fact *facts, size_t n_facts, uint32_t n_group,
                         const struct sl_leak_words *words, struct sl_arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < n_facts; i++) {
        for (const char *at = telling_of(&facts[i], n_group); *at && text;) {
            size_t plain = strcspn(at, "$"), step = at[plain] ? 2 : 0;
            const char *part =
                step ? say_part(at[plain + 1], &facts[i], n_group, words, arena) : "";
            text = part ? sl_arena_printf(arena, "%s%.*s%s", text, (int) plain, at, part) : NULL;
            at += plain + step;
        }
    }
    return text;
}
