/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/target/digits.h"

#define LINE "\nNSpid:"

static int compare_pairs(const void *left, const void *right)
{
    pid_t a = ((const struct sl_id_pair *) left)->own, b = ((const struct sl_id_pair *) right)->own;
    return (a > b) - (a < b);
}

static int compare_ids(const void *left, const void *right)
{
    pid_t a = *(const pid_t *) left, b = *(const pid_t *) right;
    return (a > b) - (a < b);
}

pid_t sl_ids_parse(const char *status_file, bool *ret_nested)
{
    const char *at = strstr(status_file, LINE);
    uint64_t id = 0;
    int n = 0;

    if (!at)
        return 0;
    for (at += strlen(LINE); *at == '\t' || *at == ' '; n++) {
        at += strspn(at, "\t ");
        if (!sl_digits_decimal(&at, &id))
            break;
    }
    *ret_nested = n > 1;
    return (pid_t) id;
}

/* @return false when the thread has ended or may not be asked */
static bool
ask(const struct sl_target *target, pid_t tid, struct sl_id_pair *ret_pair, bool *ret_nested)
{
    char text[4096];

    ssize_t got = sl_target_read(target, tid, "status", text, sizeof text);
    if (got <= 0 || (size_t) got == sizeof text - 1) /* cut: the line may stand further down */
        return false;
    *ret_nested = false;
    *ret_pair = (struct sl_id_pair){.own = sl_ids_parse(text, ret_nested), .tid = tid};
    return true;
}

/* One thread is enough to know whether ids differ: all of a process share their namespace. */
static void learn(struct sl_ids *ids)
{
    struct sl_id_pair pair;
    bool nested = true;

    ids->asked = true;
    /* Not to be asked: then ids are not known to be the same, and nobody is named. */
    ids->nested = !ask(ids->target, ids->target->tid, &pair, &nested) || nested;
    if (!ids->nested)
        return;
    ids->pairs = calloc(ids->n_tids, sizeof *ids->pairs);
    for (size_t i = 0; ids->pairs && i < ids->n_tids; i++)
        if (ask(ids->target, ids->tids[i], &pair, &nested) && nested)
            ids->pairs[ids->n_pairs++] = pair;
    if (ids->pairs)
        qsort(ids->pairs, ids->n_pairs, sizeof *ids->pairs, compare_pairs);
}

pid_t sl_ids_find(struct sl_ids *ids, pid_t own)
{
    const struct sl_id_pair key = {.own = own};

    if (own <= 0 || !ids->n_tids)
        return 0;
    if (!ids->asked)
        learn(ids);
    if (!ids->nested)
        return bsearch(&own, ids->tids, ids->n_tids, sizeof own, compare_ids) ? own : 0;
    if (!ids->n_pairs)
        return 0;
    const struct sl_id_pair *pair =
        bsearch(&key, ids->pairs, ids->n_pairs, sizeof key, compare_pairs);
    return pair ? pair->tid : 0;
}

void sl_ids_release(struct sl_ids *ids)
{
    free(ids->pairs);
    ids->pairs = NULL;
    ids->n_pairs = 0;
}
