/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/cancel.h"

#include <string.h>

#include "harness/snapshot/symbol/dynamic.h"
#include "harness/snapshot/wait/futex.h"

/* The module that begins its code there, once for each; NULL: none does. */
static struct sl_module *module_at(struct sl_modules *modules, const struct sl_maps *maps, size_t i)
{
    const struct sl_mapping *mapping = &maps->mappings[i];
    return mapping->executable && mapping->inode ? sl_modules_find(modules, maps, mapping->start)
                                                 : NULL;
}

/* Its name stands among those that the loader looks up, or gives to others. */
static bool names_any(const struct sl_dynamic *dynamic)
{
    static const char *const functions[] = {"pthread_cancel", "pthread_kill", "pthread_sigqueue",
                                            "tgkill", "thrd_kill"};

    for (size_t i = 0; i < SL_COUNT_OF(functions); i++)
        if (memmem(dynamic->names, dynamic->names_size, functions[i], strlen(functions[i]) + 1))
            return true;
    return false;
}

bool cancel_is_used(struct sl_modules *modules, const struct sl_maps *maps)
{
    const struct sl_module *last = NULL;
    bool used = false;

    for (size_t i = 0; i < maps->n_mappings && !used; i++) {
        struct sl_module *module = module_at(modules, maps, i);
        struct sl_dynamic dynamic = {0};
        if (!module || module == last || module->vdso || sl_futex_is_library(module->path))
            continue;
        last = module;
        used = !sl_dynamic_read(&dynamic, modules, module) || names_any(&dynamic);
        sl_dynamic_release(&dynamic);
    }
    return used;
}

uint64_t cancel_static_size(struct sl_modules *modules, const struct sl_maps *maps)
{
    const struct sl_module *last = NULL;
    uint64_t size = 0;

    for (size_t i = 0; i < maps->n_mappings; i++) {
        struct sl_module *module = module_at(modules, maps, i);
        const Elf64_Phdr *variables = module ? sl_image_segment(&module->image, PT_TLS) : NULL;
        if (!variables || module == last)
            continue;
        last = module;
        size += SL_MIN(variables->p_memsz, UINT64_C(1) << 30) +
                SL_MIN(variables->p_align, UINT64_C(1) << 20);
    }
    return size;
}
