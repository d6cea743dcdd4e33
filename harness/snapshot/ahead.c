/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/ahead.h"

#include <signal.h>

#include "harness/snapshot/symbol/cache.h"
#include "harness/snapshot/symbol/object.h"

static void *open_object(void *argument)
{
    struct sl_ahead *ahead = argument;
    ahead->object = sl_object_new(ahead->modules, ahead->module);
    if (ahead->object && !ahead->object->file.elf) { /* memory, which is not read here, has more */
        sl_object_free(ahead->object);
        ahead->object = NULL;
    }
    return NULL;
}

void sl_ahead_start(struct sl_ahead *ahead, const struct sl_target *target,
                    struct sl_modules *modules, const struct sl_maps *maps)
{
    sigset_t all, old;

    ahead->module = sl_modules_find_named(modules, maps, "libc.so.6");
    /* Without a build-id its file may have to be compared with memory. */
    if (!ahead->module || !ahead->module->image.build_id_size ||
        sl_symbol_cache_knows(ahead->module))
        return;
    ahead->target = *target;
    /* Only to find files: nothing is read from memory, and nothing added. */
    if (sl_modules_new(&ahead->target, NULL, NULL, &ahead->modules, NULL))
        return;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    ahead->running = pthread_create(&ahead->thread, NULL, open_object, ahead) == 0;
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void sl_ahead_end(struct sl_ahead *ahead, struct sl_symbolizer *symbolizer)
{
    if (ahead->running)
        (void) pthread_join(ahead->thread, NULL);
    if (symbolizer && ahead->object)
        sl_symbolizer_adopt(symbolizer, ahead->object);
    else
        sl_object_free(ahead->object);
    sl_modules_free(ahead->modules);
    *ahead = (struct sl_ahead){0};
}
