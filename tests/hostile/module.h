/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file that is made for a target, and its parts.  It is a right one at first, so that
 * its readers get far; spoil.h then makes it wrong in few places.
 */
#ifndef HOSTILE_MODULE_H
#define HOSTILE_MODULE_H

#include <elf.h>

#include "bytes.h"
#include "choice.h"

#define MAX_SEGMENTS  8
#define MAX_SECTIONS  40
#define MAX_FUNCTIONS 64
#define MAX_BUILD_ID  80
#define ALTERNATE_ID  0xd2 /* every byte of the build-id of what dwz shares */

struct function {
    uint64_t start, size;
};

struct module {
    struct bytes file;
    Elf64_Phdr segments[MAX_SEGMENTS]; /* PT_LOAD, as they were before anything was spoilt */
    size_t n_segments;
    struct function functions[MAX_FUNCTIONS];
    size_t n_functions;
    uint8_t build_id[MAX_BUILD_ID];
    size_t build_id_size;
};

/* A file as it is written: sections one after another. */
struct writer {
    struct module *module;
    struct choice *choice;
    struct {
        const char *name;
        Elf64_Shdr header;
    } sections[MAX_SECTIONS];
    size_t n_sections;
    uint64_t base;                   /* address of the first byte */
    Elf64_Phdr others[MAX_SEGMENTS]; /* segments that are no PT_LOAD */
    size_t n_others;
};

/* @return its index */
size_t writer_add(struct writer *writer, const char *name, uint32_t type, uint64_t flags,
                  const struct bytes *content);
/* Where the next section will be. */
uint64_t writer_address(struct writer *writer);

/* What there is to know of the file that is wanted. */
struct wish {
    const char *debug_link;     /* or NULL */
    uint32_t debug_sum;         /* of that file */
    const char *alternate_link; /* or NULL */
    bool only_debug;            /* a debug file: without code */
    bool bomb;                  /* may be large, or become so when unpacked */
    bool is_library;            /* has the names that libc.so.6 shows to debuggers */
};

void module_write(struct module *module, const struct wish *wish, struct choice *choice);
/* One that a compiler made.  @return false when it is none */
bool module_adopt(struct module *module, const uint8_t *data, size_t size);
void module_release(struct module *module);

/* Parts of a file. */
void unwind_add(struct writer *writer);
void symbols_add(struct writer *writer, const struct wish *wish);
void links_add(struct writer *writer, const struct wish *wish); /* to other files */
void dwarf_add(struct writer *writer, const struct wish *wish);
/* A name for a symbol. */
void symbols_name(struct choice *choice, bool bomb, struct bytes *name);
/* Deflated zeros, as many as the size says. */
void packed_zeros(struct bytes *out, uint64_t size);

#endif
