/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a dump, line by line, whatever their number; packed by gzip or not. */
#ifndef SL_GOROUTINE_DUMP_INPUT_H
#define SL_GOROUTINE_DUMP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

/* Without its end, be that LF or CR and LF.  Not terminated; valid until the input moves on. */
struct dump_line {
    const char *text;
    size_t size;
};

struct dump_input;

/* Of an open descriptor, which stays the caller's; or, with fd -1, of bytes in memory.
   NULL: memory is short */
struct dump_input *input_new(int fd, const char *data, size_t size, uint64_t max_bytes);
void input_free(struct dump_input *input);

/* The line at which the input stands; NULL at its end, or when it failed. */
const struct dump_line *input_line(struct dump_input *input);
void input_advance(struct dump_input *input);

/* Of the line at which it stands, from 1. */
uint64_t input_number(const struct dump_input *input);

/* Bytes that were handed out so far, unpacked. */
uint64_t input_bytes(const struct dump_input *input);

/* Does it begin as text?  Looks, and takes nothing. */
bool input_is_text(struct dump_input *input);
bool input_is_empty(struct dump_input *input);

/*
 * All that is left, up to `most` bytes.
 *
 * @param ret_data  valid until the input is freed
 */
SL_CHECKED enum sl_status input_rest(struct dump_input *input, size_t most, const char **ret_data,
                                     size_t *ret_size, struct sl_error *err);

/* Did reading fail, so that what was read is no end? */
SL_CHECKED enum sl_status input_status(const struct dump_input *input, struct sl_error *err);

/* What is wrong with the bytes themselves, though some could be read: "the packed file ends before
   its end"; or NULL. */
const char *input_damage(const struct dump_input *input);

#endif
