/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/run/protocol.h"

struct ends {
    int out, in; /* read from `out` what was written to `in` */
};

static struct ends make_pipe(void)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    return (struct ends){.out = fds[0], .in = fds[1]};
}

static void close_both(struct ends ends)
{
    (void) close(ends.out);
    (void) close(ends.in);
}

/* Bytes as they are, then an end of file. */
static struct ends pipe_with(const void *bytes, size_t size)
{
    struct ends ends = make_pipe();
    cr_assert_eq(write(ends.in, bytes, size), (ssize_t) size);
    (void) close(ends.in);
    ends.in = -1;
    return ends;
}

static enum sl_status
read_one(int fd, void *data, size_t capacity, size_t *ret_size, struct sl_error *err)
{
    struct sl_record record = {.data = data, .capacity = capacity};
    enum sl_status status = sl_record_read(fd, UINT64_MAX, &record, err);
    if (!status)
        *ret_size = record.size;
    return status;
}

SL_TEST(protocol, a_record_is_read_as_it_was_written)
{
    struct sl_failure_record sent = {
        .phase = SL_PHASE_OPEN, .status = SL_ECONNECT, .text = "no server"};
    struct sl_failure_record got = {0};
    struct sl_error err = {0};
    struct sl_record record = {.data = &got, .capacity = sizeof got};
    struct ends ends = make_pipe();

    sl_assert_ok(sl_record_write(ends.in, SL_RECORD_FAILURE, &sent, sizeof sent, &err), &err);
    sl_assert_ok(sl_record_write(ends.in, SL_RECORD_GO, NULL, 0, &err), &err);
    sl_assert_ok(sl_record_read(ends.out, UINT64_MAX, &record, &err), &err);
    cr_assert(sl_record_is(&record, SL_RECORD_FAILURE, sizeof sent));
    cr_assert_eq(memcmp(&sent, &got, sizeof sent), 0);
    sl_assert_ok(sl_record_read(ends.out, UINT64_MAX, &record, &err), &err);
    cr_assert(sl_record_is(&record, SL_RECORD_GO, 0));
    close_both(ends);
}

SL_TEST(protocol, what_is_no_record_is_refused)
{
    static const struct {
        struct sl_record_header header;
        const char *part;
    } cases[] = {
        {{0x12345678, SL_RECORD_GO, 0}, "not a record"},
        {{SL_RECORD_MAGIC, 0, 0}, "unknown record type 0"},
        {{SL_RECORD_MAGIC, SL_N_RECORD_TYPES, 0}, "unknown record type"},
        {{SL_RECORD_MAGIC, SL_RECORD_PHASE, 65}, "record of 65 bytes, room for 64"},
        {{SL_RECORD_MAGIC, SL_RECORD_PHASE, UINT64_MAX}, "room for 64"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_error err = {0};
        char data[64];
        size_t size = 42;
        struct ends ends = pipe_with(&cases[i].header, sizeof cases[i].header);
        sl_assert_fails(read_one(ends.out, data, sizeof data, &size, &err), SL_EPROTO, &err,
                        cases[i].part);
        cr_assert_eq(size, 42, "output is untouched on failure");
        close_both(ends);
    }
}

SL_TEST(protocol, a_record_that_is_cut_off_anywhere_is_no_record)
{
    struct {
        struct sl_record_header header;
        char data[32];
    } record = {.header = {SL_RECORD_MAGIC, SL_RECORD_PHASE, sizeof record.data}};

    for (size_t length = 0; length < sizeof record; length++) {
        struct sl_error err = {0};
        char data[64];
        size_t size;
        struct ends ends = pipe_with(&record, length);
        sl_assert_fails(read_one(ends.out, data, sizeof data, &size, &err), SL_EGONE, &err,
                        "the other process ended");
        close_both(ends);
    }
}

SL_TEST(protocol, random_bytes_are_refused)
{
    srand(1);
    for (int round = 0; round < 2000; round++) {
        unsigned char bytes[96];
        char data[64];
        size_t size, length = (size_t) rand() % sizeof bytes;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char) rand();
        if (round % 2) { /* get past the first check */
            uint32_t magic = SL_RECORD_MAGIC;
            memcpy(bytes, &magic, sizeof magic);
        }
        struct ends ends = pipe_with(bytes, length);
        cr_assert_neq(read_one(ends.out, data, sizeof data, &size, NULL), SL_OK);
        close_both(ends);
    }
}

SL_TEST(protocol, reading_ends_at_the_deadline)
{
    struct sl_error err = {0};
    struct sl_record record = {.capacity = 0};
    uint32_t magic = SL_RECORD_MAGIC; /* a record that has begun does not extend it */
    struct ends ends = make_pipe();

    cr_assert_eq(write(ends.in, &magic, sizeof magic), (ssize_t) sizeof magic);
    uint64_t deadline_ns = sl_clock_now_ns() + 20 * SL_NS_PER_MS;
    sl_assert_fails(sl_record_read(ends.out, deadline_ns, &record, &err), SL_ETIMEDOUT, &err,
                    "no record came in time");
    cr_assert_geq(sl_clock_now_ns(), deadline_ns);
    close_both(ends);
}

SL_TEST(protocol, writing_to_a_closed_pipe_is_an_error_and_no_death)
{
    struct sl_error err = {0};
    struct ends ends = make_pipe();

    (void) signal(SIGPIPE, SIG_IGN);
    (void) close(ends.out);
    sl_assert_fails(sl_record_write(ends.in, SL_RECORD_GO, NULL, 0, &err), SL_EGONE, &err,
                    "the other process ended");
    (void) close(ends.in);
}

#define LARGE ((size_t) 4 << 20)

static void *write_large(void *argument)
{
    const struct ends *ends = argument;
    SL_AUTO_FREE unsigned char *data = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (unsigned char) (i * 7 / 3);
    return (void *) (uintptr_t) sl_record_write(ends->in, SL_RECORD_CONFIG, data, LARGE, NULL);
}

static void on_alarm(int number)
{
    (void) number;
}

SL_TEST(protocol, a_record_larger_than_the_pipe_survives_signals)
{
    struct sl_error err = {0};
    struct ends ends = make_pipe();
    SL_AUTO_FREE unsigned char *data = malloc(LARGE);
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    pthread_t writer;
    void *written;
    size_t size = 0;

    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    cr_assert_eq(pthread_create(&writer, NULL, write_large, &ends), 0);
    sl_assert_ok(read_one(ends.out, data, LARGE, &size, &err), &err);
    cr_assert_eq(pthread_join(writer, &written), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_assert_null(written);
    cr_assert_eq(size, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        cr_assert_eq(data[i], (unsigned char) (i * 7 / 3));
    close_both(ends);
}

SL_TEST(protocol, every_phase_has_its_own_text)
{
    cr_assert_str_eq(sl_phase_text(SL_PHASE_START), "start");
    cr_assert_str_eq(sl_phase_text(SL_PHASE_TORN_DOWN), "torn_down");
    cr_assert_str_eq(sl_phase_text(SL_N_PHASES), "unknown phase");
}
