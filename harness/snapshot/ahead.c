/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/ahead.h"

#include "harness/snapshot/cache/known.h"
#include "harness/snapshot/crew.h"
#include "harness/snapshot/symbol/module_names.h"

static void *open_names(void *argument)
{
    struct sl_ahead *ahead = argument;
    sl_module_names_open(ahead->names);
    return NULL;
}

void sl_ahead_start(struct sl_ahead *ahead, const struct sl_target *target,
                    struct sl_modules *modules, const struct sl_maps *maps,
                    const struct sl_store *store)
{
    struct sl_module *module = sl_modules_find_named(modules, maps, "libc.so.6");

    /* Without a build-id its file may have to be compared with memory. */
    if (!module || !module->image.build_id_size)
        return;
    /* Not the counter, which the source may just be choosing. */
    ahead->target = (struct sl_target){.pid = target->pid,
                                       .tid = target->tid,
                                       .task_fd = target->task_fd,
                                       .self = target->self,
                                       .owner = target->owner,
                                       .budget = target->budget};
    /* Only to find files: nothing is read from memory, and nothing added. */
    if (sl_modules_new(&ahead->target, NULL, NULL, &ahead->modules, NULL))
        return;
    ahead->names = sl_module_names_new(ahead->modules, module);
    if (!ahead->names)
        return;
    sl_module_names_recall(ahead->names, store);
    if (sl_known_has(module, sl_module_names_identity(ahead->names)))
        return;
    ahead->running = sl_crew_thread(&ahead->thread, open_names, ahead) == 0;
}

void sl_ahead_end(struct sl_ahead *ahead, struct sl_symbolizer *symbolizer)
{
    if (ahead->running)
        (void) pthread_join(ahead->thread, NULL);
    if (symbolizer && ahead->names)
        (void) sl_symbolizer_adopt(symbolizer, ahead->names);
    else
        sl_module_names_free(ahead->names);
    sl_modules_free(ahead->modules);
    *ahead = (struct sl_ahead){0};
}
