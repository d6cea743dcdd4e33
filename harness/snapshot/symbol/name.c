/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/name.h"

#include <inttypes.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "harness/model/function_name.h"

/*
 * A name of some hundred bytes can stand for one of gigabytes: each part may be twice the one
 * before.  So the demangler gets room for any name that a compiler makes, and is left when
 * that is full.  It takes no memory but the stack, and limits its own recursion.
 */
#define MAX_SPELT ((size_t) 64 * 1024)
/* Symbols are as long as their file says. */
#define MAX_RAW ((size_t) 16 * 1024)
/* Of what is shown: every thread that stands there has it once more in a document. */
#define MAX_KEPT ((size_t) 4 * 1024)
/* A walk that doubles with each of them takes some ten milliseconds. */
#define MAX_REFERENCES 20

struct spelling {
    char *text; /* MAX_SPELT bytes */
    size_t size;
    jmp_buf full;
};

static void spell(const char *part, size_t size, void *context)
{
    struct spelling *spelling = context;

    if (size >= MAX_SPELT - spelling->size)
        longjmp(spelling->full, 1);
    memcpy(spelling->text + spelling->size, part, size);
    spelling->size += size;
}

/* References back to parts of the name: "S_", "S0_", "SZ_". */
static size_t count_references(const char *name)
{
    size_t n = 0;
    while ((name = strchr(name, 'S'))) {
        name++;
        n += name[strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '_';
    }
    return n;
}

/* Does a pack expand to anything but parameters as they are ("DpT_", "DpOT0_")? */
static bool has_nested_pack(const char *name)
{
    static const char *const expressions[] = {"X", "DT", "Dt", "DO", "Dv", "A"};
    bool may_expand = false; /* in an expression, which something has to begin */

    for (const char *at = name; (at = strstr(at, "Dp"));) {
        at += 2;
        if (at[strspn(at, "OKPRV")] != 'T')
            return true;
    }
    for (size_t i = 0; i < SL_COUNT_OF(expressions); i++)
        may_expand |= strstr(name, expressions[i]) != NULL;
    return may_expand && strstr(name, "sp");
}

/*
 * For every pack the demangler walks all that is expanded, once more for each reference, before
 * it writes a letter: time without end for a name that doubles.  Compilers make no such names.
 */
static bool may_take_forever(const char *name)
{
    return count_references(name) > MAX_REFERENCES && has_nested_pack(name);
}

/* @return false when it is no mangled name, or one that is spelt too long */
static bool demangle(const char *mangled, struct spelling *spelling)
{
    spelling->size = 0;
    if (setjmp(spelling->full))
        return false;
    /* What rustc mangled in its older way is a name of C++ as well, with a hash in it. */
    if (!rust_demangle_callback(mangled, 0, spell, spelling)) {
        spelling->size = 0;
        if (may_take_forever(mangled) ||
            !cplus_demangle_v3_callback(mangled, DMGL_PARAMS | DMGL_ANSI, spell, spelling))
            return false;
    }
    spelling->text[spelling->size] = '\0';
    return spelling->size > 0;
}

bool sl_symbol_is_mangled(const char *name)
{
    return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0;
}

/* What is cut is told apart by its hash. */
const char *sl_symbol_plain_name(struct sl_arena *arena, const char *raw)
{
    size_t length = sl_function_name_length(raw);

    if (length <= MAX_KEPT)
        return sl_arena_printf(arena, "%.*s", (int) length, raw);
    return sl_arena_printf(arena, "%.*s...#%016" PRIx64, (int) MAX_KEPT, raw,
                           sl_fnv64(SL_FNV64_BASIS, raw, length));
}

const char *sl_symbol_name(struct sl_arena *arena, const char *raw)
{
    size_t length = sl_function_name_length(raw);

    if (!sl_symbol_is_mangled(raw) || length > MAX_RAW)
        return sl_symbol_plain_name(arena, raw);
    SL_AUTO_FREE char *buffer = malloc(MAX_SPELT), *name = strndup(raw, length);
    struct spelling spelling = {.text = buffer};
    if (!buffer || !name)
        return NULL;
    /* The whole of it first: the hash at the end of a Rust name is part of its mangling. */
    if (!demangle(raw, &spelling) && !demangle(name, &spelling))
        return sl_symbol_plain_name(arena, name);
    return sl_symbol_plain_name(arena, buffer);
}
