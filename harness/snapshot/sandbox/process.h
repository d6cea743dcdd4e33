/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process for work on what nobody vouches for, which may crash, hang or ask for any amount of
 * memory: a copy of this one that keeps a socket and nothing else, with no rights, few calls of the
 * kernel, and limits.
 *
 * Nothing of it is seen by the program that this library is part of: it is no child of wait()
 * unless __WALL asks for it, its end raises no signal, and no handler of pthread_atfork runs.  So
 * it is not made by fork(), which alone knows the locks of malloc: another thread may have held one
 * at that moment, which then is held for ever in the copy.  The copy tries malloc before anything
 * else, and is made anew when it does not come back.
 */
#ifndef SL_SNAPSHOT_SANDBOX_PROCESS_H
#define SL_SNAPSHOT_SANDBOX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sl_sandbox {
    pid_t pid;  /* 0: none */
    int socket; /* SOCK_SEQPACKET, does not block; of use to who has the descriptors of its maker */
};

struct sl_sandbox_work {
    void (*serve)(int socket, void *context); /* in the sandbox, whose socket blocks */
    void *context;
    uint64_t max_memory; /* bytes, beside what this process has */
    uint64_t max_cpu_ns;
};

/*
 * The sandbox ends with the calling thread, at the latest.
 * @return NULL, or why there is none: a sentence without its end
 */
const char *sl_sandbox_start(const struct sl_sandbox_work *work, struct sl_sandbox *ret_sandbox);

/* @return as waitpid says it ended, by our signal where it had not; nothing is left of it */
int sl_sandbox_end(struct sl_sandbox *sandbox);

#endif
