/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failed allocations on demand.
 *
 * A test that links alloc_dep has malloc, calloc, realloc and free of its own
 * objects and of strandline's (not of shared libraries) replaced.  Only the
 * calling thread is counted, and only inside sl_alloc_fail_each().
 */
#ifndef SL_ALLOC_H
#define SL_ALLOC_H

#include <stddef.h>

#include <strandline/error.h>

/*
 * One use of what is tested: build it, free it again, return the status of the
 * building.  Has to do the same each time.
 */
typedef enum sl_status (*sl_alloc_attempt)(void *user, struct sl_error *err);

enum sl_alloc_failure {
    SL_ALLOC_ONE, /* one allocation fails: finds failures that are passed over */
    SL_ALLOC_REST /* it and all later ones: memory that is short and stays short */
};

/**
 * Attempt with the first allocation failing, then with the second, and so on,
 * until an attempt succeeds without reaching the one that fails.
 *
 * Each failed attempt has to return SL_ENOMEM with a description, and every
 * attempt has to free what it allocated; otherwise the test fails.
 *
 * @return number of attempts that failed
 */
size_t sl_alloc_fail_each(enum sl_alloc_failure failure, sl_alloc_attempt attempt, void *user);

#endif
