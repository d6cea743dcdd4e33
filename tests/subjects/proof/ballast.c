/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ballast MEGABYTES BLOCK kept|forgotten: a list of blocks of that size, whose first is kept in a
 * static pointer or not, beside five pools of 20 threads of which two are forgotten.
 *
 * It writes a byte when all is there, and ends when its standard input is closed.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define N_POOLS     5
#define N_FORGOTTEN 2
#define N_WORKERS   20

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
};

struct block {
    struct block *next;
    uint64_t words[];
};

static struct pool *volatile pools[N_POOLS];
static struct block *volatile first;

static void *work(void *argument)
{
    struct pool *pool = argument;
    (void) pthread_mutex_lock(&pool->mutex);
    for (;;)
        (void) pthread_cond_wait(&pool->filled, &pool->mutex);
    return NULL;
}

static int start_pools(void)
{
    pthread_t thread;
    for (int i = 0; i < N_POOLS; i++) {
        struct pool *pool = calloc(1, sizeof *pool);
        if (!pool)
            return -1;
        (void) pthread_mutex_init(&pool->mutex, NULL);
        (void) pthread_cond_init(&pool->filled, NULL);
        for (int k = 0; k < N_WORKERS; k++)
            if (pthread_create(&thread, NULL, work, pool))
                return -1;
        pools[i] = i < N_FORGOTTEN ? NULL : pool;
    }
    return 0;
}

/* Words that look like what programs have: small numbers, text, few pointers. */
static int fill(size_t n_bytes, size_t size)
{
    for (size_t n = 0; n < n_bytes; n += size) {
        struct block *block = malloc(size);
        if (!block)
            return -1;
        for (size_t i = 0; i < (size - sizeof *block) / sizeof *block->words; i++)
            block->words[i] = i % 2 ? i : 0x7465787420616e64U * (n + i);
        block->next = first;
        first = block;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char byte = '.';

    if (argc != 4 || strtoul(argv[2], NULL, 10) < sizeof(struct block))
        return 2;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (start_pools() || fill(strtoul(argv[1], NULL, 10) << 20, strtoul(argv[2], NULL, 10)))
        return 1;
    if (strcmp(argv[3], "kept") != 0)
        first = NULL;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
