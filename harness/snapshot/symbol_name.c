/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol_name.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef char *(*demangler)(const char *mangled, char *buffer, size_t *length, int *ret_status);

static demangler demangle;
static pthread_once_t demangle_once = PTHREAD_ONCE_INIT;

/*
 * The demangler of the C++ runtime, where it is installed.  It is loaded only when
 * a mangled name turns up: a C program should not need the C++ runtime for names
 * that it does not have.
 */
static void load_demangler(void)
{
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    if (library)
        demangle = (demangler) (uintptr_t) dlsym(library, "__cxa_demangle");
}

/* Length without "@@GLIBC_2.3.2" and without the names of clones and parts of functions. */
static size_t plain_length(const char *name)
{
    static const char *const marks[] = {".constprop.", ".isra.",      ".part.", ".cold",
                                        ".lto_priv.",  ".localalias", ".llvm."};
    size_t length = strcspn(name, "@");
    for (size_t i = 0; i < SL_COUNT_OF(marks); i++) {
        const char *mark = strstr(name, marks[i]);
        if (mark && mark > name && (size_t) (mark - name) < length)
            length = (size_t) (mark - name);
    }
    return length ? length : strlen(name);
}

const char *sl_symbol_name(struct sl_arena *arena, const char *raw)
{
    size_t length = plain_length(raw);
    char *name = sl_arena_alloc(arena, length + 1);

    if (!name)
        return NULL;
    memcpy(name, raw, length);
    if (strncmp(name, "_Z", 2) != 0)
        return name;
    (void) pthread_once(&demangle_once, load_demangler);
    if (!demangle)
        return name;
    int failed;
    SL_AUTO_FREE char *plain = demangle(name, NULL, NULL, &failed);
    return plain ? sl_arena_strdup(arena, plain) : name;
}
