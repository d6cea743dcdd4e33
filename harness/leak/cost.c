/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/cost.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"

static struct sl_value
add_stacks(const struct leak_case *the_case, const struct leak_cluster *cluster)
{
    struct sl_value sum = {0};

    if (!the_case->snapshot->stacks_measured)
        return SL_MISSING_VALUE("the stacks were not measured");
    for (size_t i = 0; i < cluster->n_members && !sum.missing; i++) {
        const struct leak_candidate *member = &cluster->members[i];
        const struct sl_value *bytes =
            member->unjoined ? &member->unjoined->stack_bytes : &member->thread->stack_bytes;
        sum.value += bytes->value;
        sum.missing = bytes->missing;
    }
    return sum;
}

static struct sl_value
cpu_per_second(const struct leak_case *the_case, const struct leak_cluster *cluster)
{
    uint64_t cpu_ns = 0;

    if (cluster->members[0].unjoined)
        return SL_VALUE(0);
    if (!the_case->observed_ns)
        return SL_MISSING_VALUE("there was one look");
    for (size_t i = 0; i < cluster->n_members; i++) {
        if (!cluster->members[i].activity.known)
            return SL_MISSING_VALUE("how much they ran is not known of all");
        cpu_ns += cluster->members[i].activity.cpu_ns;
    }
    return SL_VALUE((uint64_t) ((double) cpu_ns / (double) the_case->observed_ns * SL_NS_PER_S));
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Those that they wait at, told apart by what they lead to. */
static size_t count_different(const char **texts, size_t n)
{
    size_t n_different = 0;

    qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++)
        n_different += !i || strcmp(texts[i - 1], texts[i]) != 0;
    return n_different;
}

enum sl_status cost_of_cluster(const struct leak_case *the_case, const struct leak_cluster *cluster,
                               struct sl_leak_cost *ret_cost, struct sl_error *err)
{
    SL_AUTO_FREE const char **targets = calloc(cluster->n_members + 1, sizeof *targets);
    size_t n = 0;

    if (!targets)
        return sl_fail(err, SL_ENOMEM, "out of memory for the cost of a group");
    for (size_t i = 0; i < cluster->n_members; i++)
        if (cluster->members[i].thread->wait.target)
            targets[n++] = cluster->members[i].thread->wait.target;
    *ret_cost = (struct sl_leak_cost){.stack_bytes = add_stacks(the_case, cluster),
                                      .descriptors = SL_VALUE(count_different(targets, n)),
                                      .cpu_ns_per_second = cpu_per_second(the_case, cluster)};
    return SL_OK;
}
