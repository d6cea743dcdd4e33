/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: the ELF objects mapped into the target, known by their program headers
 * in its memory.
 *
 * Memory is the truth about what runs: the file may have been deleted, replaced
 * or be out of reach in another mount namespace.  Files are opened only for what
 * is not loaded (section headers, symbols, debug information), and only when they
 * are provably the ones that were mapped.
 *
 * What an address belongs to is told in two ways.  A mapping of an ELF file says by its
 * offset which segment it is, wherever that lies and whatever lies in between.  Where
 * no file is behind the address, as with code that was moved to large pages, it belongs to
 * the object that the loader says it has there.
 */
#ifndef SL_SNAPSHOT_MODULE_H
#define SL_SNAPSHOT_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "harness/snapshot/module/image.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

struct sl_module_names;
struct sl_unwind_table;

struct sl_module {
    struct sl_module *next, *next_known; /* of all; of those in a bucket (module.c) */
    const char *path;                    /* as mapped, or as loaded; in the arena of the snapshot */
    uint64_t bias;                       /* address minus virtual address of the file */
    struct sl_mapping mapping;           /* one of its file; no inode when none is left */
    bool vdso;
    bool loaded; /* the kernel or the loader says that it is, with this bias */
    bool framed; /* frames lie in it */
    struct sl_image image;
    const char *build_id_text;     /* hexadecimal; NULL: none.  In the arena of the snapshot */
    const char *not_looked_at;     /* see sl_module_skip; NULL: nothing was left out */
    struct sl_module_names *names; /* of who symbolizes, who owns it */
    struct sl_unwind_table *unwind_table; /* made on first use by who unwinds, owned; */
    void (*free_unwind_table)(struct sl_unwind_table *table); /* this way */
};

struct sl_modules;

/* All but err are borrowed and must outlive the modules. */
SL_CHECKED enum sl_status sl_modules_new(struct sl_target *target, struct sl_reader *reader,
                                         struct sl_arena *arena, struct sl_modules **ret_modules,
                                         struct sl_error *err);
void sl_modules_free(struct sl_modules *modules);
SL_DEFINE_AUTO(sl_modules, sl_modules_free);

struct sl_target *sl_modules_target(struct sl_modules *modules);
struct sl_reader *sl_modules_reader(struct sl_modules *modules);

/* All that were found so far, chained by `next`. */
const struct sl_module *sl_modules_list(const struct sl_modules *modules);

/* Module that has this address, or NULL: generated code, or a file that is no ELF object. */
struct sl_module *
sl_modules_find(struct sl_modules *modules, const struct sl_maps *maps, uint64_t address);

/* The first module whose file has a name that begins so, or NULL. */
struct sl_module *
sl_modules_find_named(struct sl_modules *modules, const struct sl_maps *maps, const char *prefix);

/* Loaded segment that holds the address, or NULL. */
const Elf64_Phdr *sl_module_segment(const struct sl_module *module, uint64_t address);

/*
 * Note why its names are not looked up, or not all.  The first reason stays.  It is static, or in
 * the arena of the snapshot, and completes "not looked at: ".
 */
void sl_module_skip(struct sl_module *module, const char *reason);

/* Descriptor of the file that was mapped, or -1 when it can not be had or is another one. */
int sl_module_open(struct sl_modules *modules, struct sl_module *module);

#endif
