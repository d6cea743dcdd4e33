/* SPDX-License-Identifier: Apache-2.0 */
/* Functions inlined into one another, in C.  Says "." and waits to be looked at. */
#include <stdlib.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define INLINE   static inline __attribute__((always_inline))

volatile int lines_sink;

INLINE int innermost(int value)
{
    lines_sink += value;
    return lines_sink * 3;
}

INLINE int middle(int value)
{
    int twice = innermost(value) * 2;
    lines_sink ^= twice;
    return twice;
}

static NOINLINE int chain(int value)
{
    int sum = middle(value);
    sum += innermost(sum);
    return sum + 4;
}

static int may_be_inlined(int value)
{
    for (int i = 0; i < value; i++) {
        int local = middle(i);
        lines_sink = local;
    }
    return value;
}

static NOINLINE int recursive(int depth)
{
    if (depth <= 0)
        return middle(depth);
    int below = recursive(depth - 1);
    return below + innermost(below);
}

__attribute__((cold)) static NOINLINE void complain(int value)
{
    lines_sink = value;
}

static NOINLINE int hot_and_cold(int value)
{
    if (__builtin_expect(value == 12345, 0)) {
        complain(value);
        middle(value);
        complain(value + 1);
        abort();
    }
    return innermost(value);
}

NOINLINE int never_called(int value)
{
    return middle(value) + innermost(value + 1);
}

int main(int argc, char **argv)
{
    char byte;
    (void) argv;
    lines_sink = chain(argc) + may_be_inlined(argc) + recursive(argc) + hot_and_cold(argc);
    if (write(1, ".", 1) != 1)
        return 1;
    return read(0, &byte, 1) < 0;
}
