/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver says of itself before it is played: copied out of its table, so that foreign
 * code is loaded into subjects only, and held against what was asked for.
 */
#ifndef SL_RUN_DECLARATION_H
#define SL_RUN_DECLARATION_H

#include <strandline/driver.h>

#include "harness/run/run_plan.h"

#define SL_DECLARED_TRANSPORTS 8
#define SL_DECLARED_FAULTS     64
#define SL_DECLARED_ARGS       32
#define SL_DECLARED_TEXT       256

/* Members of struct sl_driver_config that not every driver takes. */
#define SL_SETTING_MAP(X)                                                                          \
    X(WORKERS, "workers")                                                                          \
    X(QUEUE, "queue_capacity")                                                                     \
    X(ENQUEUE_WAIT, "enqueue_wait_ns")                                                             \
    X(STACK_SIZE, "stack_size")                                                                    \
    X(STORAGE, "storage")                                                                          \
    X(REPLICAS, "replicas")

enum sl_setting {
#define X(name, text) SL_SETTING_##name,
    SL_SETTING_MAP(X)
#undef X
        SL_N_SETTINGS
};

/* Lists of struct sl_driver, as bits. */
enum {
    SL_DECLARES_TRANSPORTS = 1,
    SL_DECLARES_MODES = 2,
    SL_DECLARES_SETTINGS = 4,
    SL_DECLARES_FAULTS = 8,
    SL_DECLARES_ARGS = 16,
    SL_DECLARES_ALL = 31
};

/* Plain bytes, no pointer and no bool: it comes over a pipe from a process with foreign code. */
struct sl_declaration {
    uint32_t abi;
    uint32_t declares; /* bits; of what is not declared everything below is empty */
    char name[SL_NAME_MAX], version[SL_NAME_MAX];
    uint32_t n_transports, n_faults, n_args;
    char transports[SL_DECLARED_TRANSPORTS][SL_NAME_MAX];
    uint8_t modes[SL_N_MODES]; /* 1: has it */
    uint8_t default_mode;
    uint8_t settings[SL_N_SETTINGS]; /* 1: takes it */
    struct {
        char name[SL_NAME_MAX], keys[SL_NAME_MAX], text[SL_DECLARED_TEXT];
    } faults[SL_DECLARED_FAULTS];
    struct {
        char name[SL_NAME_MAX], text[SL_DECLARED_TEXT];
    } args[SL_DECLARED_ARGS];
};

/**
 * Copy what a driver declares.
 *
 * @return SL_EINVAL a word that the interface does not know, an empty list of transports or
 *         modes; SL_ELIMIT more or longer words than a declaration has room for
 */
SL_CHECKED enum sl_status sl_declaration_make(const struct sl_driver *driver,
                                              struct sl_declaration *ret_declaration,
                                              struct sl_error *err);

/*
 * Load a driver into a process of its own and ask it.  Nothing of it runs in this process.
 *
 * @return as sl_driver_load and sl_declaration_make; SL_EINVAL also for a driver that ends or
 *         holds up the process that loads it
 */
SL_CHECKED enum sl_status sl_declaration_probe(const char *driver_path,
                                               struct sl_declaration *ret_declaration,
                                               struct sl_error *err);

/* Does the driver do what a cell asks for?  SL_EINVAL with what it has instead. */
SL_CHECKED enum sl_status sl_declaration_check_cell(const struct sl_declaration *declaration,
                                                    const struct sl_run_cell *cell,
                                                    struct sl_error *err);

/* The same of "KEY=VALUE" arguments, NULL-terminated. */
SL_CHECKED enum sl_status sl_declaration_check_args(const struct sl_declaration *declaration,
                                                    const char *const *args, struct sl_error *err);

/*
 * Why a report must not give a setting as used: the driver declares that it does not take it.
 *
 * @return NULL when it takes it, or does not say
 */
const char *
sl_declaration_without(const struct sl_declaration *declaration, enum sl_setting setting);

#endif
