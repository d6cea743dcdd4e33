/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing stops these threads but the end of the process, so what they wait on is never freed. */
#include "harness/plant/plant.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define RETRY_NS (20 * SL_NS_PER_MS)
#define LATE_NS  (50 * SL_NS_PER_MS)
#define PLACE_NS SL_NS_PER_S

struct parking {
    pthread_mutex_t mutex;
    pthread_cond_t never;
};

static struct parking parking = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

static void park(struct parking *place)
{
    pthread_mutex_lock(&place->mutex);
    for (;;)
        pthread_cond_wait(&place->never, &place->mutex);
}

static int make(pthread_t *ret_thread, bool detached, void *(*entry)(void *), void *argument)
{
    pthread_attr_t attributes;

    (void) pthread_attr_init(&attributes);
    if (detached)
        (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(ret_thread, &attributes, entry, argument);
    (void) pthread_attr_destroy(&attributes);
    return error;
}

static int make_one(bool detached, void *(*entry)(void *), void *argument)
{
    pthread_t thread;
    return make(&thread, detached, entry, argument);
}

static void *plant_running(void *argument)
{
    park(&parking);
    return argument;
}

static int make_running(void)
{
    return make_one(false, plant_running, NULL);
}

static void *plant_detached(void *argument)
{
    park(&parking);
    return argument;
}

static int make_detached(void)
{
    return make_one(true, plant_detached, NULL);
}

static void *plant_unjoined(void *argument)
{
    return argument;
}

static int make_unjoined(void)
{
    return make_one(false, plant_unjoined, NULL);
}

static atomic_bool closed;

static void *plant_late(void *argument)
{
    while (!closed)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    sl_clock_sleep_ns(LATE_NS);
    return argument;
}

static int make_late(void)
{
    return make_one(true, plant_late, NULL);
}

/* Each takes its own lock, and when both have done so, that of the other. */
static struct {
    pthread_mutex_t locks[2];
    pthread_barrier_t both;
} cross = {.locks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER}};

static void *plant_deadlocked(void *argument)
{
    size_t own = (size_t) argument;

    pthread_mutex_lock(&cross.locks[own]);
    (void) pthread_barrier_wait(&cross.both);
    pthread_mutex_lock(&cross.locks[1 - own]);
    return argument;
}

static int make_deadlocked(void)
{
    int error = pthread_barrier_init(&cross.both, NULL, 2);

    for (size_t i = 0; i < 2 && !error; i++)
        error = make_one(false, plant_deadlocked, (void *) i);
    return error;
}

static pthread_mutex_t kept = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_kept;

static void *keep_lock(void *argument)
{
    pthread_mutex_lock(&kept);
    is_kept = true;
    park(&parking);
    return argument;
}

static void *plant_locked_out(void *argument)
{
    while (!is_kept)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    pthread_mutex_lock(&kept);
    return argument;
}

static int make_locked_out(void)
{
    int error = make_one(false, keep_lock, NULL);
    return error ? error : make_one(false, plant_locked_out, NULL);
}

static pthread_t awaited;

static void *never_end(void *argument)
{
    park(&parking);
    return argument;
}

static void *plant_joining(void *argument)
{
    (void) pthread_join(awaited, NULL);
    return argument;
}

static int make_joining(void)
{
    int error = make(&awaited, false, never_end, NULL);
    return error ? error : make_one(false, plant_joining, NULL);
}

static void *plant_spinning(void *argument)
{
    static atomic_uint turns;

    for (;;)
        turns++;
    return argument;
}

static int make_spinning(void)
{
    return make_one(false, plant_spinning, NULL);
}

static void *plant_retrying(void *argument)
{
    for (;;)
        sl_clock_sleep_ns(RETRY_NS);
    return argument;
}

static int make_retrying(void)
{
    return make_one(false, plant_retrying, NULL);
}

static int quiet_pipe[2];

static void *plant_io(void *argument)
{
    char byte;

    (void) !read(quiet_pipe[0], &byte, 1);
    return argument;
}

static int make_io(void)
{
    return pipe(quiet_pipe) ? errno : make_one(false, plant_io, NULL);
}

static void *plant_dead(void *argument)
{
    park(argument);
    return NULL;
}

/* Nobody but the thread itself knows where it waits. */
static int make_dead(void)
{
    struct parking *place = malloc(sizeof *place);

    if (!place)
        return ENOMEM;
    (void) pthread_mutex_init(&place->mutex, NULL);
    (void) pthread_cond_init(&place->never, NULL);
    return make_one(true, plant_dead, place);
}

static struct parking *known;

static void *plant_alive(void *argument)
{
    park(argument);
    return NULL;
}

static int make_alive(void)
{
    known = malloc(sizeof *known);
    if (!known)
        return ENOMEM;
    (void) pthread_mutex_init(&known->mutex, NULL);
    (void) pthread_cond_init(&known->never, NULL);
    return make_one(true, plant_alive, known);
}

const struct sl_plant *sl_plants(void)
{
    static const struct sl_plant plants[] = {
        {"running", "plant_running", "parked", .count = 1, .make = make_running},
        {"detached", "plant_detached", "parked", .count = 1, .make = make_detached},
        {"unjoined", "plant_unjoined", "unjoined", .count = 1, .make = make_unjoined},
        {"late", NULL, NULL, .late = 1, .make = make_late},
        {"deadlocked", "plant_deadlocked", "deadlock", .count = 2, .make = make_deadlocked},
        {"locked-out", "plant_locked_out", "lock-blocked", .count = 1, .others = 1,
         .make = make_locked_out},
        {"joining", "plant_joining", "joining", .count = 1, .others = 1, .make = make_joining},
        {"spinning", "plant_spinning", "spinning", .count = 1, .make = make_spinning},
        {"retrying", "plant_retrying", "retrying", .count = 1, .make = make_retrying},
        {"io", "plant_io", "io", .count = 1, .make = make_io},
        {"dead", "plant_dead", "parked", .count = 1, .proof = SL_PROOF_DEAD, .make = make_dead},
        {"alive", "plant_alive", "parked", .count = 1, .proof = SL_PROOF_ALIVE, .make = make_alive},
        {0},
    };
    return plants;
}

/* The thread that is ended as it should be. */
static struct {
    pthread_t thread;
    bool open;
} company;

static void *keep_company(void *argument)
{
    while (!closed)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return argument;
}

/* Does every thread but the one that asks sleep? */
static bool all_sleep(void)
{
    char path[64], text[1024];
    bool sleep = true;
    DIR *tasks = opendir("/proc/self/task");

    for (const struct dirent *task; tasks && (task = readdir(tasks));) {
        if (task->d_name[0] == '.' || atoi(task->d_name) == gettid())
            continue;
        (void) snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", task->d_name);
        if (sl_file_read(path, text, sizeof text))
            sleep = sleep && strstr(text, ") S ");
    }
    if (tasks)
        (void) closedir(tasks);
    return sleep;
}

/* A thread that came to its place after Close only would not be what it is planted as. */
int sl_plant_open(const struct sl_plant *plant)
{
    int error = make(&company.thread, false, keep_company, NULL);
    uint64_t deadline_ns = sl_clock_now_ns() + PLACE_NS;

    company.open = !error;
    if (!error)
        error = plant->make();
    while (!error && !all_sleep() && sl_clock_now_ns() < deadline_ns)
        sl_clock_sleep_ns(SL_NS_PER_MS);
    return error;
}

void sl_plant_close(void)
{
    closed = true;
    if (company.open)
        (void) pthread_join(company.thread, NULL);
    company.open = false;
}

const struct sl_plant *sl_plant_find(const char *name)
{
    for (const struct sl_plant *plant = sl_plants(); plant->name; plant++)
        if (strcmp(plant->name, name) == 0)
            return plant;
    return NULL;
}
