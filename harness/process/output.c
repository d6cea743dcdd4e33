/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/output.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

#define CHUNK 4096
/* Its last bytes stay: they are the last words of a subject that crashed. */
#define GIVE_BACK (1u << 20)

static void finish_line(struct sl_output *output)
{
    output->line[output->length] = '\0';
    if (output->cut)
        (void) snprintf(output->line + output->length, sizeof output->line - output->length,
                        " ... (%" PRIu64 " more bytes)", output->cut);
    output->sink(output->user, output->line);
    output->passed += output->length + 1;
    output->length = 0;
    output->cut = 0;
}

static void take(struct sl_output *output, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (output->passed >= SL_OUTPUT_TOTAL)
            output->kept++;
        else if (bytes[i] == '\n')
            finish_line(output);
        else if (output->length < SL_OUTPUT_LINE)
            output->line[output->length++] = bytes[i] ? bytes[i] : ' ';
        else
            output->cut++;
    }
}

void sl_output_look(struct sl_output *output, int fd)
{
    struct stat file;
    char chunk[CHUNK];

    if (!output->sink || fd < 0 || fstat(fd, &file) < 0)
        return;
    while (output->at < (uint64_t) file.st_size && output->passed < SL_OUTPUT_TOTAL) {
        size_t wanted = SL_MIN((uint64_t) file.st_size - output->at, sizeof chunk);
        ssize_t n = pread(fd, chunk, wanted, (off_t) output->at);
        if (n <= 0)
            return;
        take(output, chunk, (size_t) n);
        output->at += (uint64_t) n;
    }
    if (output->at < (uint64_t) file.st_size) {
        output->kept += (uint64_t) file.st_size - output->at;
        output->at = (uint64_t) file.st_size;
    }
    if (output->at > GIVE_BACK)
        (void) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                         (off_t) (output->at - CHUNK) / CHUNK * CHUNK);
}

void sl_output_end(struct sl_output *output, int fd)
{
    char text[64];

    sl_output_look(output, fd);
    if (!output->sink)
        return;
    if (output->length)
        finish_line(output);
    if (!output->kept)
        return;
    (void) snprintf(text, sizeof text, "... (%" PRIu64 " more bytes, not shown)", output->kept);
    output->sink(output->user, text);
    output->kept = 0;
}
