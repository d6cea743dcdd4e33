/* SPDX-License-Identifier: Apache-2.0 */
/* A target while it builds itself.  All of it runs in the target's own process. */
#ifndef HOSTILE_WORLD_H
#define HOSTILE_WORLD_H

#include "module.h"
#include "pulse.h"

#define MAX_CODE    256
#define MAX_PATHS   8
#define MAX_REGIONS 8
#define PAGE        4096

struct file {
    char path[4096];
    int fd;
    uint8_t *image; /* where it is mapped */
    size_t size;
};

/* Files that a compiler made. */
struct seeds {
    struct bytes files[64];
    size_t n;
};

struct world {
    struct choice choice;
    const char *folder; /* for its files; empty */
    const struct seeds *seeds;
    struct pulse *pulse;
    bool bomb;
    bool is_root; /* the folder becomes its root */
    struct {
        uint64_t address;
        unsigned call; /* that is made there */
    } code[MAX_CODE];
    size_t n_code;
    struct file files[MAX_PATHS];
    size_t n_files;
    struct {
        uint8_t *data;
        size_t size;
    } regions[MAX_REGIONS]; /* of made-up words; [0] always is there */
    size_t n_regions;
};

/* Note what the target is, and what it may do. */
void world_say(struct world *world, uint32_t flags, const char *what);
/* An address of any kind: of code, of made-up words, or of nothing. */
uint64_t world_address(struct world *world);
uint64_t world_code(struct world *world);

void files_make(struct world *world); /* and map them */
void files_make_jit(struct world *world);
void memory_make(struct world *world);
void memory_forge(struct world *world); /* lists of the C library and of its loader */
void threads_plant(struct world *world, uint64_t address); /* a call, over 16 bytes of code */
void threads_make(struct world *world);
void motion_prepare(struct world *world); /* before anything is made */
void motion_start(struct world *world);

/* A thread that runs a function, on memory of its own; it never returns. */
pid_t thread_start(void (*run)(struct world *world), struct world *world);

#endif
