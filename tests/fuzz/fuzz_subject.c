/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a subject from arbitrary bytes: refused, or what comes in its turn and can be read.
 *
 * The first byte says whether the load is shared.  A phase that gives no time was reached just now,
 * which no input could know.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/run/dialogue.h"
#include "require.h"

#define EVENTS 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void date(struct sl_record *record)
{
    struct sl_phase_record *phase = record->data;

    if (sl_record_is(record, SL_RECORD_PHASE, sizeof *phase) && !phase->at_ns)
        phase->at_ns = sl_clock_now_ns();
}

static void require_text(const char *text, size_t size)
{
    require(memchr(text, '\0', size) != NULL, "texts end");
}

static void require_sound(const struct sl_record *record)
{
    const struct sl_phase_record *phase = record->data;
    const struct sl_failure_record *failure = record->data;

    if (record->type == SL_RECORD_PHASE) {
        require(phase->load.counts.handled <= EVENTS, "there are no more messages");
        require_text(phase->close_detail, sizeof phase->close_detail);
        require_text(phase->load.ended, sizeof phase->load.ended);
    } else if (record->type == SL_RECORD_FAILURE) {
        require_text(failure->text, sizeof failure->text);
        require((unsigned) failure->phase < SL_N_PHASES, "a phase that exists");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_subject_config *config = calloc(1, sizeof *config);
    struct sl_record record = {0};
    struct sl_dialogue dialogue;
    int ends[2];
    unsigned n_phases = 0;

    require(config && sl_record_make_room(&record, 4096), "there is memory");
    if (size && data[0])
        config->share.part = SL_PART_PUBLISH;
    config->load.events = EVENTS;
    require(pipe2(ends, O_NONBLOCK) == 0, "there is a pipe");
    ssize_t written = size ? write(ends[1], data + 1, size - 1) : 0;
    (void) written; /* what does not fit is cut off */
    (void) close(ends[1]);
    sl_dialogue_begin(&dialogue, config);
    while (!sl_record_read(ends[0], 0, &record, NULL)) {
        date(&record);
        if (sl_dialogue_take(&dialogue, &record, NULL))
            break;
        require_sound(&record);
        if (record.type != SL_RECORD_PHASE)
            continue;
        n_phases++;
        /* All of the input is there at once, so the answer comes without a look at what is next. */
        if (sl_dialogue_go(&dialogue, -1, NULL))
            break;
    }
    require(n_phases <= SL_N_PHASES, "each phase comes once");
    (void) close(ends[0]);
    free(record.data);
    free(config);
    return 0;
}
