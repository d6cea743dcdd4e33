/* SPDX-License-Identifier: Apache-2.0 */
/* What the descriptors of the target are, in words; each looked up once. */
#ifndef SL_SNAPSHOT_TARGET_DESCRIPTOR_H
#define SL_SNAPSHOT_TARGET_DESCRIPTOR_H

#include <stdbool.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/snapshot/target/target.h"

struct sl_descriptor {
    const char *text; /* "TCP 127.0.0.1:4222", "pipe:[81]", a path; NULL when not known */
    bool is_socket;
};

struct sl_descriptors;

/* Both borrowed; the arena owns the texts. */
SL_CHECKED enum sl_status sl_descriptors_new(struct sl_target *target, struct sl_arena *arena,
                                             struct sl_descriptors **ret_descriptors,
                                             struct sl_error *err);
void sl_descriptors_free(struct sl_descriptors *descriptors);
SL_DEFINE_AUTO(sl_descriptors, sl_descriptors_free);

struct sl_descriptor sl_descriptors_get(struct sl_descriptors *descriptors, int fd);

/*
 * One line of /proc/net/tcp and its relatives.  @param ret_text  address of the other end, or
 * the own one when there is none.  @return false for a line without a socket
 */
bool sl_socket_parse_inet(const char *line, const char *protocol, unsigned long *ret_inode,
                          char *ret_text, size_t size);

#endif
