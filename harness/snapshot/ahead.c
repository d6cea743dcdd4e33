/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/ahead.h"

#include <signal.h>
#include <string.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/symbol_cache.h"
#include "harness/snapshot/symbol_object.h"

static const struct sl_module *find_libc(struct sl_modules *modules, const struct sl_maps *maps)
{
    for (size_t i = 0; i < maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        if (mapping->executable && mapping->inode &&
            strcmp(sl_path_base(mapping->path), "libc.so.6") == 0)
            return sl_modules_find(modules, maps, mapping->start);
    }
    return NULL;
}

static void *open_object(void *argument)
{
    struct sl_ahead *ahead = argument;
    ahead->object = sl_object_new(ahead->modules, ahead->module);
    return NULL;
}

void sl_ahead_start(struct sl_ahead *ahead, const struct sl_target *target,
                    struct sl_modules *modules, const struct sl_maps *maps)
{
    sigset_t all, old;

    ahead->module = find_libc(modules, maps);
    if (!ahead->module || sl_symbol_cache_knows(ahead->module))
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
