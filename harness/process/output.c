/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/output.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fail.h"

struct sl_printed {
    _Atomic uint64_t n;          /* bytes so far; those of them that are here are here already */
    char first[SL_OUTPUT_FIRST]; /* stay as they are */
    char last[SL_OUTPUT_LAST];   /* a ring */
};

struct sl_printed *sl_printed_map(int fd)
{
    void *pages = mmap(NULL, sizeof(struct sl_printed), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void) close(fd);
    return pages == MAP_FAILED ? NULL : pages;
}

enum sl_status sl_printed_new(struct sl_printed **ret_printed, int *ret_fd, struct sl_error *err)
{
    SL_AUTO_FD int fd = memfd_create("strandline-output", MFD_CLOEXEC);
    struct sl_printed *printed = NULL;

    if (fd >= 0 && ftruncate(fd, sizeof *printed) == 0)
        printed = sl_printed_map(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!printed)
        return sl_fail_errno(err, "cannot make room for what the subject prints");
    *ret_printed = printed;
    *ret_fd = SL_TAKE_FD(fd);
    return SL_OK;
}

void sl_printed_free(struct sl_printed *printed)
{
    if (printed)
        (void) munmap(printed, sizeof *printed);
}

void sl_printed_add(struct sl_printed *printed, const char *bytes, size_t n)
{
    uint64_t at = atomic_load(&printed->n);

    if (at < SL_OUTPUT_FIRST)
        memcpy(printed->first + at, bytes, SL_MIN(n, SL_OUTPUT_FIRST - at));
    for (size_t done = 0, some; done < n; done += some) {
        size_t to = (at + done) % SL_OUTPUT_LAST;
        some = SL_MIN(n - done, SL_OUTPUT_LAST - to);
        memcpy(printed->last + to, bytes + done, some);
    }
    atomic_store(&printed->n, at + n);
}

void sl_printed_last(const struct sl_printed *printed, char *ret_text, size_t size)
{
    uint64_t n = printed ? atomic_load(&printed->n) : 0;
    size_t length = SL_MIN(n, SL_MIN(size - 1, SL_OUTPUT_LAST));

    for (size_t i = 0; i < length; i++) {
        char byte = printed->last[(n - length + i) % SL_OUTPUT_LAST];
        ret_text[i] = (unsigned char) byte < ' ' ? ' ' : byte;
    }
    while (length && ret_text[length - 1] == ' ')
        length--;
    ret_text[length] = '\0';
}

static void finish_line(struct sl_output *output)
{
    output->line[output->length] = '\0';
    if (output->cut)
        (void) snprintf(output->line + output->length, sizeof output->line - output->length,
                        " ... (%" PRIu64 " more bytes)", output->cut);
    output->sink(output->user, output->line);
    output->length = 0;
    output->cut = 0;
}

static void take(struct sl_output *output, char byte)
{
    if (byte == '\n')
        finish_line(output);
    else if (output->length < SL_OUTPUT_LINE)
        output->line[output->length++] = byte ? byte : ' ';
    else
        output->cut++;
}

void sl_output_look(struct sl_output *output, const struct sl_printed *printed)
{
    uint64_t n = printed ? atomic_load(&printed->n) : 0;

    while (output->sink && output->at < SL_MIN(n, SL_OUTPUT_FIRST))
        take(output, printed->first[output->at++]);
}

void sl_output_end(struct sl_output *output, const struct sl_printed *printed)
{
    char text[64];

    sl_output_look(output, printed);
    if (!output->sink || !printed)
        return;
    if (output->length)
        finish_line(output);
    uint64_t n = atomic_load(&printed->n);
    if (n <= output->at)
        return;
    (void) snprintf(text, sizeof text, "... (%" PRIu64 " more bytes, not shown)", n - output->at);
    output->sink(output->user, text);
}
