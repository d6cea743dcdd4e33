/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject prints, passed on line by line while it plays.
 *
 * Its guard reads it all, all the time, so that no thread is measured as one that waits for a
 * reader, and keeps the beginning and the end of it on pages that it shares with the observer.
 * However much that is, it takes neither memory nor disk.
 */
#ifndef SL_PROCESS_OUTPUT_H
#define SL_PROCESS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"

#define SL_OUTPUT_LINE  400         /* bytes of a line that are passed on */
#define SL_OUTPUT_FIRST (16u << 10) /* bytes of one subject that are */
#define SL_OUTPUT_LAST  (64u << 10) /* that are kept, for the last words of one that ended badly */

struct sl_printed;

/* The observer's side; fd is for the guard. */
SL_CHECKED enum sl_status
sl_printed_new(struct sl_printed **ret_printed, int *ret_fd, struct sl_error *err);
void sl_printed_free(struct sl_printed *printed);
SL_DEFINE_AUTO(sl_printed, sl_printed_free);

/* The last bytes, at most size - 1, with control characters as spaces. */
void sl_printed_last(const struct sl_printed *printed, char *ret_text, size_t size);

/* The guard's side.  NULL: memory is short.  fd is closed. */
struct sl_printed *sl_printed_map(int fd);
void sl_printed_add(struct sl_printed *printed, const char *bytes, size_t n);

/* line: one line without its end, not free of control characters. */
typedef void (*sl_output_sink)(void *user, const char *line);

struct sl_output {
    sl_output_sink sink; /* NULL: nobody wants to know */
    void *user;
    size_t at; /* what was passed on, of the first bytes */
    char line[SL_OUTPUT_LINE + 64];
    uint32_t length; /* of an unfinished line */
    uint64_t cut;    /* bytes of it that are not passed on */
};

/* Pass on the lines that were finished since the last look. */
void sl_output_look(struct sl_output *output, const struct sl_printed *printed);

/* Pass on the rest as well, and say how much was not.  Once. */
void sl_output_end(struct sl_output *output, const struct sl_printed *printed);

#endif
