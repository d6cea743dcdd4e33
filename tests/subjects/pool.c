/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: four threads that wait for work in a queue, through a few ordinary functions which a
 * compiler may put into each other.  Writes a byte when they have started, and ends when its input
 * does.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS 4

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled, started;
    int n, n_started;
};

static int queue_take(struct queue *queue)
{
    int taken;

    (void) pthread_mutex_lock(&queue->mutex);
    queue->n_started++;
    (void) pthread_cond_signal(&queue->started);
    while (!queue->n)
        (void) pthread_cond_wait(&queue->filled, &queue->mutex);
    taken = queue->n--;
    (void) pthread_mutex_unlock(&queue->mutex);
    return taken;
}

static int handle(struct queue *queue)
{
    return queue_take(queue) + 1;
}

static void *worker_main(void *argument)
{
    int sum = 0;

    for (int i = 0; i < 1000; i++)
        sum += handle(argument);
    return sum ? argument : NULL;
}

int main(void)
{
    struct queue *queue = calloc(1, sizeof *queue);
    pthread_t thread;
    char byte = '.';

    if (!queue)
        return 1;
    (void) pthread_mutex_init(&queue->mutex, NULL);
    (void) pthread_cond_init(&queue->filled, NULL);
    (void) pthread_cond_init(&queue->started, NULL);
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&thread, NULL, worker_main, queue) != 0)
            return 1;
    (void) pthread_mutex_lock(&queue->mutex);
    while (queue->n_started < WORKERS)
        (void) pthread_cond_wait(&queue->started, &queue->mutex);
    (void) pthread_mutex_unlock(&queue->mutex);
    (void) !write(STDOUT_FILENO, &byte, 1);
    (void) !read(STDIN_FILENO, &byte, 1);
    _exit(0);
}
