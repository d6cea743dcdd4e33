/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject prints, passed on line by line while it plays.
 *
 * It prints to a memory file, never to a pipe: a thread that waits for somebody to read would be
 * measured as one that the bus left waiting.  The file is read where it grew, and what was read
 * is given back to the system.
 */
#ifndef SL_PROCESS_OUTPUT_H
#define SL_PROCESS_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#define SL_OUTPUT_LINE  400         /* bytes of a line that are passed on */
#define SL_OUTPUT_TOTAL (16u << 10) /* of one subject */

/* line: one line without its end, not free of control characters. */
typedef void (*sl_output_sink)(void *user, const char *line);

struct sl_output {
    sl_output_sink sink; /* NULL: nobody wants to know */
    void *user;
    uint64_t at; /* what was read */
    char line[SL_OUTPUT_LINE + 64];
    uint32_t length; /* of an unfinished line */
    uint64_t cut;    /* bytes of it that are not passed on */
    uint64_t passed; /* bytes so far */
    uint64_t kept;   /* bytes that are not, beyond the total */
};

/* Pass on the lines that were finished since the last look. */
void sl_output_look(struct sl_output *output, int fd);

/* Pass on the rest as well, and say how much was not. */
void sl_output_end(struct sl_output *output, int fd);

#endif
