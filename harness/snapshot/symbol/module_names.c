/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/module_names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/cache/known.h"
#include "harness/snapshot/symbol/dynamic.h"
#include "harness/snapshot/symbol/name.h"
#include "harness/snapshot/symbol/object.h"
#include "harness/snapshot/symbol/table.h"
#include "harness/snapshot/symbol/trust.h"
#include "harness/snapshot/target/regular.h"

#define MAX_SEGMENTS 256 /* of an image */

/* Where names are read; a step that fails is followed by the next one. */
enum place {
    PLACE_UNKNOWN,
    PLACE_HERE,           /* in this process */
    PLACE_REMOTE,         /* in the sandbox */
    PLACE_REMOTE_SYMBOLS, /* there, without debug information */
    PLACE_MEMORY,         /* of the target */
};

struct sl_module_names {
    struct sl_modules *modules;
    struct sl_module *module;
    enum place place;
    struct sl_debugged debugged;
    struct sl_range code[MAX_SEGMENTS];
    struct sl_file_identity identity;
    bool identity_asked, has_identity;
    struct sl_store_key key;
    bool recalled, has_key;
    bool read_more;      /* than was recalled */
    bool tainted;        /* something but these files had a say: see note_source */
    bool asked_for_more; /* the object read files that the key says nothing of */
    struct sl_object *object;
    bool stranger; /* the object names a file that is not to be trusted */
    struct sl_remote_module remote;
    struct sl_dynamic dynamic; /* of PLACE_MEMORY; its functions: */
    struct sl_symbol_table exported;
    bool unspellable; /* the sandbox did not survive one of their names */
};

/*
 * What an object that is read here asks for, it gets only if that is to be trusted as well.  Else
 * the whole object is read elsewhere.
 */
static int open_trusted(void *context, const char *path)
{
    struct sl_module_names *names = context;
    const struct sl_target *target = sl_modules_target(names->modules);
    SL_AUTO_FD int fd = sl_regular_open_either(target, path, NULL, NULL);

    names->asked_for_more = true;
    if (fd >= 0 && !sl_trust_file(target, fd)) {
        names->stranger = true;
        return -1;
    }
    return SL_TAKE_FD(fd);
}

/* Where the module has code, by virtual address; its own headers are none. */
static size_t list_code(const struct sl_image *image, struct sl_range *code)
{
    size_t n = 0;

    for (size_t i = 0; i < image->header.e_phnum && n < MAX_SEGMENTS; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        uint64_t headers = segment->p_offset ? 0 : sizeof image->header;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X))
            code[n++] =
                (struct sl_range){segment->p_vaddr + headers, segment->p_vaddr + segment->p_memsz};
    }
    return n;
}

struct sl_module_names *sl_module_names_new(struct sl_modules *modules, struct sl_module *module)
{
    struct sl_module_names *names = calloc(1, sizeof *names);

    if (!names)
        return NULL;
    names->modules = modules;
    names->module = module;
    names->debugged = (struct sl_debugged){.path = module->path,
                                           .code = names->code,
                                           .n_code = list_code(&module->image, names->code),
                                           .open = open_trusted,
                                           .context = names};
    return names;
}

void sl_module_names_free(struct sl_module_names *names)
{
    if (!names)
        return;
    sl_object_free(names->object);
    sl_symbol_table_release(&names->exported);
    sl_dynamic_release(&names->dynamic);
    free(names);
}

struct sl_module *sl_module_names_module(const struct sl_module_names *names)
{
    return names->module;
}

void sl_module_names_move(struct sl_module_names *names, struct sl_modules *modules)
{
    names->modules = modules;
}

const struct sl_file_identity *sl_module_names_identity(struct sl_module_names *names)
{
    if (!names->identity_asked) {
        SL_AUTO_FD int fd = sl_module_open(names->modules, names->module);
        names->has_identity =
            sl_file_identity_of(sl_modules_target(names->modules), fd, &names->identity);
        names->identity_asked = true;
    }
    return names->has_identity ? &names->identity : NULL;
}

/*
 * May malloc fail here?  Where a limit or strict accounting makes it, libdw does not always go on,
 * and asserts.  Where only the whole machine can run out, the kernel ends somebody instead.
 */
static bool is_memory_short(void)
{
    static const int limited[] = {RLIMIT_AS, RLIMIT_DATA};
    SL_AUTO_FD int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    struct rlimit limit;
    char mode;

    for (size_t i = 0; i < SL_COUNT_OF(limited); i++)
        if (getrlimit(limited[i], &limit) || limit.rlim_cur != RLIM_INFINITY)
            return true;
    return fd >= 0 && read(fd, &mode, 1) == 1 && mode == '2';
}

static bool may_read_here(const struct sl_module_names *names, const struct sl_symbol_files *files)
{
    return sl_symbol_files_trusted(files, sl_modules_target(names->modules)) && !is_memory_short();
}

/* @return false when memory is short */
static bool open_here(struct sl_module_names *names, struct sl_symbol_files *files)
{
    const struct sl_target *target = sl_modules_target(names->modules);

    names->debugged.max_bytes = sl_budget_left(target->budget, SL_BUDGET_MEMORY);
    names->object = sl_object_new(files, true, &names->debugged);
    names->place = PLACE_HERE;
    return names->object;
}

static void take_known(void *context, uint64_t address, const struct sl_frame *frames, size_t n)
{
    const struct sl_module_names *names = context;
    sl_known_add(names->module, &names->identity, address, frames, n,
                 sl_store_key_digest(&names->key));
}

void sl_module_names_recall(struct sl_module_names *names, const struct sl_store *store)
{
    const struct sl_target *target = sl_modules_target(names->modules);

    if (!store || names->recalled)
        return;
    names->recalled = true;
    if (!sl_module_names_identity(names))
        return;
    struct sl_symbol_files files = sl_symbol_files_open(names->modules, names->module);
    const int fds[SL_STORE_FILES] = {files.file, files.debug, files.alternate};
    names->has_key = files.file >= 0 && sl_symbol_files_owned(&files, target) &&
                     sl_store_key_init(&names->key, target, &names->module->image, fds);
    sl_symbol_files_close(&files);
    if (names->has_key)
        sl_store_read(store, &names->key, take_known, names);
}

uint64_t sl_module_names_source(const struct sl_module_names *names)
{
    bool with_lines = names->place == PLACE_HERE || names->place == PLACE_REMOTE;
    bool sure = names->has_key && with_lines && !names->tainted && !names->asked_for_more &&
                !names->module->not_looked_at;

    return sure ? sl_store_key_digest(&names->key) : 0;
}

void sl_module_names_keep(struct sl_module_names *names, struct sl_store *store)
{
    uint64_t source = sl_module_names_source(names);
    size_t n = 0;

    if (!store || !names->read_more || !source)
        return;
    SL_AUTO_FREE struct sl_known_code *codes =
        sl_known_list(names->module, &names->identity, source, &n);
    if (codes)
        sl_store_write(store, &names->key, codes, n);
}

void sl_module_names_open(struct sl_module_names *names)
{
    struct sl_symbol_files files = sl_symbol_files_open(names->modules, names->module);

    if (files.file >= 0 && may_read_here(names, &files) && !open_here(names, &files))
        names->place = PLACE_UNKNOWN;
    sl_symbol_files_close(&files);
}

static void open_memory(struct sl_module_names *names)
{
    names->place = PLACE_MEMORY;
    if (sl_dynamic_read(&names->dynamic, names->modules, names->module))
        sl_dynamic_add(&names->dynamic, &names->exported);
    sl_symbol_table_sort(&names->exported);
}

/* @return false when memory is short */
static bool choose_place(struct sl_module_names *names)
{
    struct sl_symbol_files files = sl_symbol_files_open(names->modules, names->module);
    bool ok = true;

    if (files.file < 0 && files.debug < 0)
        open_memory(names);
    else if (may_read_here(names, &files))
        ok = open_here(names, &files);
    else
        names->place = PLACE_REMOTE;
    sl_symbol_files_close(&files);
    return ok;
}

/* The names here are not all that could be had. */
static void leave_here(struct sl_module_names *names)
{
    sl_object_free(names->object);
    names->object = NULL;
    names->place = PLACE_REMOTE;
}

static enum sl_status look_up_remotely(struct sl_module_names *names, struct sl_remote *remote,
                                       uint64_t address, struct sl_arena *arena,
                                       struct sl_code_names *ret_names)
{
    enum sl_status status = SL_OK;

    if (!sl_remote_has(remote, &names->remote)) {
        struct sl_symbol_files files = sl_symbol_files_open(names->modules, names->module);
        status = sl_remote_open(remote, &names->remote, &names->debugged, &files,
                                names->place == PLACE_REMOTE);
        sl_symbol_files_close(&files);
    }
    if (!status)
        status = sl_remote_look_up(remote, &names->remote, address, arena, ret_names);
    return status;
}

/* Go on with less, and say so. */
static void
fall_back(struct sl_module_names *names, const struct sl_remote *remote, struct sl_arena *arena)
{
    const char *reason = sl_remote_reason(remote);
    const char *what =
        names->place == PLACE_REMOTE ? "its debug information" : "its table of symbols";

    if (!sl_remote_is_refused(remote))
        reason = sl_arena_printf(arena, "%s %s", what, reason);
    sl_module_skip(names->module, reason);
    if (names->place == PLACE_REMOTE && !sl_remote_is_refused(remote))
        names->place = PLACE_REMOTE_SYMBOLS;
    else
        open_memory(names);
}

/* A name from the target's memory is as it stands there. */
static enum sl_status spell(struct sl_module_names *names, struct sl_remote *remote,
                            const char *raw, struct sl_arena *arena, const char **ret_name)
{
    if (!names->unspellable && sl_symbol_is_mangled(raw)) {
        enum sl_status status = sl_remote_spell(remote, raw, arena, ret_name);
        if (status != SL_ECLOSED)
            return status;
        names->unspellable = true;
    }
    *ret_name = sl_symbol_plain_name(arena, raw);
    return *ret_name ? SL_OK : SL_ENOMEM;
}

/* What else may have had a hand in it: who has the sandbox; for a symbol without a size also the
 * unwind tables in memory. */
static void note_source(struct sl_module_names *names, const struct sl_remote *remote,
                        const struct sl_code_names *found)
{
    names->read_more = true;
    names->tainted |= found->symbol && found->symbol_unsized;
    names->tainted |= names->place != PLACE_HERE && !sl_remote_is_clean(remote);
}

static enum sl_status
note_size(struct sl_module_names *names, enum sl_status status, const struct sl_code_names *found)
{
    if (!status && found->too_large)
        sl_module_skip(names->module,
                       "its debug information is malformed, or takes too much memory to read");
    return status;
}

static enum sl_status look_up_in_memory(struct sl_module_names *names, struct sl_remote *remote,
                                        uint64_t address, struct sl_arena *arena,
                                        struct sl_code_names *ret_names)
{
    const struct sl_symbol *symbol = sl_symbol_table_find(&names->exported, address);

    *ret_names = (struct sl_code_names){.source.n = 1};
    return symbol ? spell(names, remote, symbol->name, arena, &ret_names->symbol) : SL_OK;
}

static enum sl_status look_up(struct sl_module_names *names, struct sl_remote *remote,
                              uint64_t address, struct sl_arena *arena,
                              struct sl_code_names *ret_names)
{
    enum sl_status status = SL_OK;

    if (names->place == PLACE_HERE) {
        status = sl_object_look_up(names->object, address, arena, ret_names);
        if (status || !names->stranger)
            return note_size(names, status, ret_names);
        leave_here(names);
    }
    while (names->place != PLACE_MEMORY) {
        status = look_up_remotely(names, remote, address, arena, ret_names);
        if (status != SL_ECLOSED)
            return note_size(names, status, ret_names);
        fall_back(names, remote, arena);
    }
    return look_up_in_memory(names, remote, address, arena, ret_names);
}

enum sl_status sl_module_names_look_up(struct sl_module_names *names, struct sl_remote *remote,
                                       uint64_t address, struct sl_arena *arena,
                                       struct sl_code_names *ret_names)
{
    if (names->place == PLACE_UNKNOWN && !choose_place(names))
        return SL_ENOMEM;
    enum sl_status status = look_up(names, remote, address, arena, ret_names);
    if (!status)
        note_source(names, remote, ret_names);
    return status;
}
