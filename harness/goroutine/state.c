/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/state.h"

#include <string.h>

#include "base/macros.h"

/* By how the text begins, for "(nil chan)", "(idle)" and the like may follow. */
static const struct {
    const char *text;
    enum sl_wait_kind kind;
} states[] = {
    {"chan receive", SL_WAIT_CHANNEL},
    {"chan send", SL_WAIT_CHANNEL},
    {"select", SL_WAIT_CHANNEL},
    {"IO wait", SL_WAIT_IO},
    {"semacquire", SL_WAIT_SEMAPHORE},
    {"sleep", SL_WAIT_SLEEP},
    {"sync.Cond.Wait", SL_WAIT_CONDITION},
    {"sync.Mutex.Lock", SL_WAIT_MUTEX},
    {"sync.RWMutex.", SL_WAIT_RWLOCK},
    {"sync.WaitGroup.Wait", SL_WAIT_SEMAPHORE},
    {"idle", SL_WAIT_NONE},
    {"runnable", SL_WAIT_NONE},
    {"running", SL_WAIT_NONE},
    {"waiting for cgo callback", SL_WAIT_OTHER},
    {"waiting", SL_WAIT_NONE}, /* and it is not told for what */
    {"dead", SL_WAIT_NONE},
    {"copystack", SL_WAIT_NONE},
    {"preempted", SL_WAIT_NONE},
    {"leaked", SL_WAIT_NONE},
    {"???", SL_WAIT_NONE},
};

enum sl_wait_kind goroutine_wait_kind(const char *state)
{
    for (size_t i = 0; i < SL_COUNT_OF(states); i++)
        if (strncmp(state, states[i].text, strlen(states[i].text)) == 0)
            return states[i].kind;
    return *state ? SL_WAIT_OTHER : SL_WAIT_NONE;
}

/* Take the suffix off.  @return whether it was there */
static bool strip(const char *state, size_t *size, const char *suffix)
{
    size_t length = strlen(suffix);

    if (*size < length || memcmp(state + *size - length, suffix, length) != 0)
        return false;
    *size -= length;
    return true;
}

size_t goroutine_state_length(const char *state, size_t size, bool *ret_leaked)
{
    for (;;) {
        if (strip(state, &size, " (leaked)"))
            *ret_leaked = true;
        else if (!strip(state, &size, " (scan)") && !strip(state, &size, " (durable)"))
            return size;
    }
}

bool goroutine_is_end(const char *function)
{
    return function && strcmp(function, "runtime.goexit") == 0;
}

const char goroutine_only_call[] = "of who started it only the call is told";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands for another character than itself: "%2e".  @return its length, 0: none */
static size_t unescape(const char *text, size_t size, char *ret_byte)
{
    int high = size >= 3 && *text == '%' ? hex_digit(text[1]) : -1;
    int low = high >= 0 ? hex_digit(text[2]) : -1;

    if (low < 0 || high * 16 + low < ' ')
        return 0;
    *ret_byte = (char) (high * 16 + low);
    return 3;
}

size_t goroutine_function_name(char *to, const char *text, size_t size)
{
    static const char gopanic[] = "runtime.gopanic", panic[] = "panic";
    size_t n = 0;

    if (size == sizeof gopanic - 1 && memcmp(text, gopanic, size) == 0) {
        memcpy(to, panic, sizeof panic - 1);
        return sizeof panic - 1;
    }
    for (size_t i = 0, length; i < size; i += length) {
        length = unescape(text + i, size - i, &to[n]);
        if (!length) {
            to[n] = text[i];
            length = 1;
        }
        n++;
    }
    return n;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* What the runtime exports is called by programs: runtime.Gosched, runtime.(*Func).Entry. */
static bool is_exported(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot)
        return is_upper(*name);
    if (strncmp(name, "(*", 2) == 0)
        name += 2;
    return is_upper(*name) && is_upper(dot[1]);
}

bool goroutine_is_shown(const struct sl_frame *frame, bool innermost)
{
    static const char runtime[] = "runtime.";
    const char *function = frame->function;

    if (!function)
        return true;
    if (strcmp(function, "panic") == 0)
        return !innermost;
    if (strncmp(function, runtime, sizeof runtime - 1) == 0)
        return is_exported(function + sizeof runtime - 1);
    return true;
}

size_t goroutine_keep_shown(struct sl_frame *frames, size_t n_frames)
{
    size_t n = 0;

    for (size_t i = 0; i < n_frames; i++)
        n += goroutine_is_shown(&frames[i], i == 0);
    if (!n)
        return n_frames;
    n = 0;
    for (size_t i = 0; i < n_frames; i++)
        if (goroutine_is_shown(&frames[i], i == 0))
            frames[n++] = frames[i];
    return n;
}
