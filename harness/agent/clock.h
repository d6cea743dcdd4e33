/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks of two machines: how far they are apart, and how well that is known.
 *
 * A question and its answer take a round trip.  The other side read its clock somewhere within
 * it; taken as the middle, that is wrong by at most half of the round trip.  Of many the
 * shortest is believed.
 */
#ifndef SL_AGENT_CLOCK_H
#define SL_AGENT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct sl_clock_estimate {
    uint64_t n_samples;
    int64_t offset_ns;       /* what the other clock was behind ours */
    uint64_t uncertainty_ns; /* half the shortest round trip */
};

/* Asked and answered by our clock, read by the other one. */
void sl_clock_estimate_add(struct sl_clock_estimate *estimate, uint64_t asked_ns,
                           uint64_t answered_ns, uint64_t read_ns);

/*
 * A text that is the same for two processes exactly when CLOCK_MONOTONIC is the same for them:
 * they run since the same boot, with the same offset of it.
 */
void sl_clock_name(char *ret_text, size_t size);

#endif
