/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of GLib, for planted.c: its locks have no owner, and are no locks of the C library. */
#include <glib.h>

#include "planted.h"

struct box {
    GMutex mutex;
    GCond condition;
    gboolean go;
};

static void pop(struct object *queue)
{
    (void) g_async_queue_pop((GAsyncQueue *) queue);
}

static void plant_queue(void)
{
    for (int i = 0; i < N_EACH; i++)
        (void) plant(FATE_DEAD, pop, (struct object *) g_async_queue_new());
}

static struct box *box_new(void)
{
    struct box *box = g_malloc0(sizeof *box);
    g_mutex_init(&box->mutex);
    g_cond_init(&box->condition);
    return box;
}

static void wait_in_box(struct object *object)
{
    struct box *box = (struct box *) object;
    g_mutex_lock(&box->mutex);
    while (!box->go)
        g_cond_wait(&box->condition, &box->mutex);
    g_mutex_unlock(&box->mutex);
}

static void plant_condition(void)
{
    for (int i = 0; i < N_EACH; i++)
        (void) plant(FATE_DEAD, wait_in_box, (struct object *) box_new());
}

static gpointer lock_and_end(gpointer box)
{
    g_mutex_lock(&((struct box *) box)->mutex);
    return NULL;
}

static void lock(struct object *box)
{
    g_mutex_lock(&((struct box *) box)->mutex);
}

static void plant_mutex(void)
{
    for (int i = 0; i < N_EACH; i++) {
        struct box *box = box_new();
        (void) g_thread_join(g_thread_new("owner", lock_and_end, box));
        (void) plant(FATE_DEAD, lock, (struct object *) box);
    }
}

static GHashTable *boxes;

static void plant_in_table(void)
{
    boxes = g_hash_table_new(NULL, NULL);
    for (int i = 0; i < N_EACH; i++) {
        struct box *box = box_new();
        (void) g_hash_table_insert(boxes, GINT_TO_POINTER(i + 1), box);
        (void) plant(FATE_ALIVE, wait_in_box, (struct object *) box);
    }
}

static void wake_one(gpointer number, gpointer value, gpointer unused)
{
    struct box *box = value;
    (void) number;
    (void) unused;
    g_mutex_lock(&box->mutex);
    box->go = TRUE;
    g_cond_broadcast(&box->condition);
    g_mutex_unlock(&box->mutex);
}

static void wake_table(void)
{
    g_hash_table_foreach(boxes, wake_one, NULL);
}

static const struct kind kinds[] = {
    {"GAsyncQueue", .plant = plant_queue},
    {"GCond", .plant = plant_condition},
    {"GMutex, owner ended", .plant = plant_mutex},
    {"GHashTable", .plant = plant_in_table, .wake = wake_table},
    {0},
};

const struct kind *const kind_tables[] = {kinds, NULL};
