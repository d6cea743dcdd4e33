/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/cancel.h"

#include <string.h>
#include <sys/auxv.h>

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

/* As the loader does it for the first module: behind the block is the struct pthread. */
static uint64_t size_of_first(const Elf64_Phdr *variables)
{
    const uint64_t align = SL_MAX(variables->p_align, UINT64_C(1)), mask = align - 1;
    const uint64_t first = -variables->p_vaddr & mask;

    if (align & mask || align > UINT32_MAX || variables->p_memsz > UINT32_MAX ||
        variables->p_memsz < first)
        return 0;
    return ((variables->p_memsz - first + mask) & ~mask) + first;
}

void cancel_find_variables(struct sl_modules *modules, const struct sl_maps *maps,
                           struct proof_variables *ret_variables)
{
    const uint64_t headers = sl_target_auxiliary(sl_modules_target(modules), AT_PHDR);
    const struct sl_module *program = headers ? sl_modules_find(modules, maps, headers) : NULL;
    const struct sl_module *last = NULL;
    struct proof_variables found = {0};

    for (size_t i = 0; i < maps->n_mappings; i++) {
        struct sl_module *module = module_at(modules, maps, i);
        const Elf64_Phdr *variables = module ? sl_image_segment(&module->image, PT_TLS) : NULL;
        if (!variables || module == last)
            continue;
        last = module;
        found.size += SL_MIN(variables->p_memsz, UINT64_C(1) << 30) +
                      SL_MIN(variables->p_align, UINT64_C(1) << 20);
        if (module == program)
            found.of_program = size_of_first(variables);
        else
            found.of_others |= !sl_futex_is_library(module->path);
    }
    found.of_others |= !program;
    *ret_variables = found;
}
