/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: plays a plan against an open bus and measures it.
 *
 * With a rate, the load is open-loop: every message has an intended send time that
 * nothing moves, and latencies count from it, so that a bus that holds the
 * publisher up is charged for the messages that waited meanwhile.  Without a
 * rate, the intended time is the moment before publish is called.
 *
 * A load may be shared with other processes, which play the same plan: each key then has one
 * process that publishes it, and each topic one that consumes it, so that order is judged
 * by one checker.
 *
 * The bus may call on_publish and the handler until the process ends when its
 * threads can not be stopped.  A load that a bus has seen is therefore never freed.
 */
#ifndef SL_LOAD_H
#define SL_LOAD_H

#include <strandline/driver.h>

#include "harness/load/record.h"
#include "harness/load/tally.h"

struct sl_load;

struct sl_load_opts {
    const struct sl_scenario_load *load; /* the whole of it; borrowed for the life of the load */
    struct sl_load_share share;
    const char *prefix; /* unique per trial; messages of another one are told by it; borrowed */
    uint64_t seed;
    bool may_lose_answers; /* by a fault; else a publish without an outcome breaks the contract */
};

SL_CHECKED enum sl_status
sl_load_new(const struct sl_load_opts *opts, struct sl_load **ret_load, struct sl_error *err);
/* For a load that no bus has seen, or one whose bus has ended all its threads. */
void sl_load_free(struct sl_load *load);
SL_DEFINE_AUTO(sl_load, sl_load_free);

/* What the bus has to be opened with: topics, on_publish and user. */
void sl_load_configure(struct sl_load *load, struct sl_driver_config *config);

/*
 * Close has returned without an error: every publish must have had its outcome, and none may come
 * any more.  sl_load_check tells of what the driver did wrong, now or later.
 */
void sl_load_closed(struct sl_load *load);

/* Subscribe the handler to every topic that is consumed here. */
SL_CHECKED enum sl_status sl_load_subscribe(struct sl_load *load, const struct sl_driver *driver,
                                            void *bus, struct sl_error *err);

/**
 * Publish everything, flush, and wait until everything was handled.  When only published
 * here, nothing more is waited for than the outcomes.
 *
 * A publish that fails with SL_EFULL counts as a rejected message; any other failure
 * ends the load.  When the scenario's timeout passes, the load ends with SL_OK and
 * says so in its record.  With a handler that hangs, the load also ends when
 * nothing was handled for 200 ms after the last publish: what is queued behind
 * the hanging call can not be waited for.
 *
 * @return status of the step that failed; SL_EPROTO the driver broke its contract
 */
SL_CHECKED enum sl_status
sl_load_run(struct sl_load *load, const struct sl_driver *driver, void *bus, struct sl_error *err);

/* The load begins, of which sl_load_consume is the end: counts of resources start here. */
void sl_load_begin(struct sl_load *load);

/**
 * Wait until everything that is consumed here was handled.
 *
 * @param states  SL_MESSAGE_... by event: what its publishers know
 * @return as sl_load_run
 */
SL_CHECKED enum sl_status
sl_load_consume(struct sl_load *load, const unsigned char *states, struct sl_error *err);

/* What is known now of the messages published or consumed here, packed. */
void sl_load_pack(struct sl_load *load, struct sl_packer *packer);

/* SL_EPROTO when the driver broke its contract since the last call. */
SL_CHECKED enum sl_status sl_load_check(struct sl_load *load, struct sl_error *err);

/* What is measured of the load, as it stands now. */
void sl_load_record(struct sl_load *load, struct sl_load_record *record);

#endif
