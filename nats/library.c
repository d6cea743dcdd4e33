/* SPDX-License-Identifier: Apache-2.0 */
#include "nats/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/fail.h"
#include "base/macros.h"

struct sl_nats_library sl_nats;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of sl_nats, until loaded */
static atomic_bool loaded;

#define NAME(name) #name,
static const char *const names[] = {SL_NATS_FUNCTIONS(NAME)};
#undef NAME

static enum sl_status
look_up(void *library, struct sl_nats_library *ret_functions, struct sl_error *err)
{
    struct sl_nats_library functions;
    void **members = (void **) &functions;

    _Static_assert(sizeof functions == SL_COUNT_OF(names) * sizeof *members, "pointers only");
    for (size_t i = 0; i < SL_COUNT_OF(names); i++) {
        members[i] = dlsym(library, names[i]);
        if (!members[i])
            return sl_fail(err, SL_ENOTSUP, "the NATS client '%s' has no function '%s'",
                           SL_NATS_SONAME, names[i]);
    }
    *ret_functions = functions;
    return SL_OK;
}

enum sl_status sl_nats_load(struct sl_error *err)
{
    struct sl_nats_library functions;

    if (sl_nats_is_loaded())
        return SL_OK;
    /* Constructors run, so no lock is held; who comes second gets the same. */
    void *library = dlopen(SL_NATS_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return sl_fail(err, SL_ENOTSUP, "cannot load the NATS client: %s", dlerror());
    enum sl_status status = look_up(library, &functions, err);
    if (status)
        return status;
    pthread_mutex_lock(&mutex);
    if (!sl_nats_is_loaded()) {
        sl_nats = functions;
        atomic_store_explicit(&loaded, true, memory_order_release);
    }
    pthread_mutex_unlock(&mutex);
    return SL_OK;
}

bool sl_nats_is_loaded(void)
{
    return atomic_load_explicit(&loaded, memory_order_acquire);
}
