/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Example of looking at another process: the threads of PID in groups, largest first, each with
 * what it waits for and its stack.  The process is not stopped and needs no change.
 *
 *     outside_observer PID
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <strandline/leak.h>
#include <strandline/snapshot.h>

static void print_group(const struct sl_group *group)
{
    const struct sl_wait *wait = sl_group_wait(group);
    const char *call = sl_wait_call_text(wait);

    (void) printf("%" PRIu32 " x %s: %s%s%s\n", sl_group_count(group), sl_group_function(group),
                  sl_wait_kind_text(sl_wait_kind(wait)), call ? ", in " : "", call ? call : "");
    for (size_t i = 0; i < sl_group_n_frames(group); i++) {
        char buffer[SL_FRAME_TEXT_MAX];
        const struct sl_frame *frame = sl_group_frame(group, i);
        const char *file = sl_frame_file(frame);
        (void) printf("    %s", sl_frame_text(frame, buffer));
        if (file)
            (void) printf("  %s:%" PRIu32, file, sl_frame_line(frame));
        (void) printf("\n");
    }
    if (!sl_group_complete(group))
        (void) printf("    ...%s\n", sl_group_reason(group));
}

int main(int argc, char **argv)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_groups *groups = NULL;
    struct sl_error err = {0};

    if (argc != 2) {
        (void) fprintf(stderr, "usage: outside_observer PID\n");
        return 2;
    }
    enum sl_status status = sl_snapshot_take((pid_t) atol(argv[1]), NULL, &snapshot, &err);
    if (!status)
        status = sl_groups_make(snapshot, &groups, &err);
    for (size_t i = 0; i < sl_groups_n(groups); i++)
        print_group(sl_groups_group(groups, i));
    sl_groups_free(groups);
    sl_snapshot_free(snapshot);
    if (status)
        (void) fprintf(stderr, "outside_observer: %s\n", err.text);
    return status ? 1 : 0;
}
