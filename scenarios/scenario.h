/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: what to run, read from JSON.
 *
 * A scenario is plain data without pointers except its variants, so that a copy
 * of the fixed part can be handed to another process.  Format: the JSON Schema
 * beside this file (scenario.schema.json); sizes and durations are strings with
 * units.  An unknown key, a wrong type or a value out of range is refused with
 * file, line, column and the path of the key.
 */
#ifndef SL_SCENARIOS_SCENARIO_H
#define SL_SCENARIOS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"

enum sl_mode { SL_MODE_KEYED, SL_MODE_UNIFIED, SL_MODE_DIRECT, SL_N_MODES };
enum sl_key_distribution { SL_KEYS_UNIFORM, SL_KEYS_ZIPF, SL_KEYS_HOT, SL_KEYS_SLOW };
enum sl_handler_kind { SL_HANDLER_SPIN, SL_HANDLER_SLEEP, SL_HANDLER_HANG };
enum sl_storage { SL_STORAGE_MEMORY, SL_STORAGE_FILE };

/* 0 in any field: the driver's default. */
struct sl_pool_settings {
    uint32_t workers; /* keyed: per topic; unified: in all */
    uint32_t queue;   /* messages per worker */
    uint64_t enqueue_wait_ns;
    uint64_t stack_size;
};

struct sl_scenario_load {
    uint32_t events;
    uint32_t topics;
    uint32_t aggregates; /* ids; each belongs to one topic, unless topics are more */
    uint32_t payload;    /* bytes; at least SL_PAYLOAD_MIN */
    uint32_t publishers; /* threads that publish; each key belongs to one of them */
    uint64_t rate;       /* intended messages per second over all publishers; 0: saturate */
    enum sl_key_distribution keys;
    double keys_parameter; /* zipf: exponent; hot: share of the hot key; slow: seconds that the
                              handler takes more for the slow key; else 0 */
    enum sl_handler_kind handler;
    uint64_t handler_cost_ns;
    enum sl_storage storage;
    uint64_t settle_ns;         /* longest wait after `closed` for threads on their way out */
    uint64_t timeout_ns;        /* for open, and for load, each */
    uint64_t idle_ns;           /* without a handler call ends the load; 0: SL_IDLE_NS */
    uint64_t close_deadline_ns; /* for Close */
};

/* What a bus is told to wait before it delivers again what was not acknowledged. */
#define SL_ACK_WAIT_NS UINT64_C(30000000000)
/* Whatever a bus is to deliver again for that has come by then. */
#define SL_IDLE_NS (SL_ACK_WAIT_NS + UINT64_C(5000000000))

#define SL_PAYLOAD_MIN       64u
#define SL_NAME_MAX          64
#define SL_SCENARIO_SIZE_MAX ((size_t) 1 << 20) /* bytes of a scenario's file */

/* One cell of a scenario that spells out its cells (the incident) instead of its modes. */
struct sl_variant {
    char name[SL_NAME_MAX];
    enum sl_mode mode;
    char fault[SL_NAME_MAX * 2];  /* comma-separated, "" none */
    struct sl_pool_settings pool; /* fields that are 0 come from the mode's settings */
    bool has_claim;
    uint64_t claimed_leaks; /* number that an analysis made elsewhere gave */
};

struct sl_scenario {
    char name[SL_NAME_MAX]; /* of its file, without directory and ".json" */
    char description[256];
    struct sl_scenario_load load;
    bool modes[SL_N_MODES];                    /* which ones `run` plays without --mode */
    struct sl_pool_settings pools[SL_N_MODES]; /* also for modes that are not played */
    uint32_t trials;
    struct sl_variant *variants; /* NULL: cells are the modes */
    size_t n_variants;
};

const char *sl_mode_text(enum sl_mode mode);
/* @return false for a word that is no mode; *ret_mode is then untouched */
bool sl_mode_parse(const char *text, enum sl_mode *ret_mode);
const char *sl_handler_kind_text(enum sl_handler_kind kind);
const char *sl_storage_text(enum sl_storage storage);
/* "uniform", "zipf:1.1", "hot:0.5", "slow:0.005s" */
void sl_keys_format(const struct sl_scenario_load *load, char *ret_text, size_t size);

/**
 * Read a scenario from memory.
 *
 * @param name  what error texts call the input, for example its path; its last part without
 *              ".json" becomes the scenario's name
 * @return SL_EINVAL when that cannot be a name;
 *         SL_EPARSE with line and column, text "NAME:LINE:COLUMN: KEY.PATH: what is wrong"
 */
SL_CHECKED enum sl_status sl_scenario_parse(const char *name, const char *text, size_t size,
                                            struct sl_scenario **ret_scenario,
                                            struct sl_error *err);

/**
 * Read a scenario by name or by path.
 *
 * What contains a slash or ends in ".json" is a path.  Else NAME.json is looked
 * for in the directories of search_path (colon-separated); the default, with
 * NULL, is the installed data directory, then the source tree that strandline was
 * built from.  SL_ENOENT says which places were tried.
 */
SL_CHECKED enum sl_status sl_scenario_load(const char *name_or_path, const char *search_path,
                                           struct sl_scenario **ret_scenario, struct sl_error *err);
void sl_scenario_free(struct sl_scenario *scenario);
SL_DEFINE_AUTO(sl_scenario, sl_scenario_free);

/* All scenarios that can be found by name, sorted; unreadable ones are left out. */
struct sl_scenario_list {
    struct sl_scenario **scenarios;
    size_t n_scenarios;
};
SL_CHECKED enum sl_status
sl_scenario_list(const char *search_path, struct sl_scenario_list **ret_list, struct sl_error *err);
void sl_scenario_list_free(struct sl_scenario_list *list);
SL_DEFINE_AUTO(sl_scenario_list, sl_scenario_list_free);

#endif
