/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <dlfcn.h>

#include "bus/engine/transport.h"
#include "bus/nats/stream.h"
#include "nats/library.h"

static const char *replacement; /* for the name of the library */
static const char *hidden;      /* a function that it does not have */

void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);
void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);

void *__wrap_dlopen(const char *name, int flags)
{
    return __real_dlopen(replacement ? replacement : name, flags);
}

void *__wrap_dlsym(void *library, const char *name)
{
    return hidden && strcmp(name, hidden) == 0 ? NULL : __real_dlsym(library, name);
}

SL_TEST(nats_library, one_that_is_not_there_is_named)
{
    struct sl_error err = {0};

    replacement = "libnot-there.so.7";
    sl_assert_fails(sl_nats_load(&err), SL_ENOTSUP, &err, "libnot-there.so.7");
    cr_assert_not(sl_nats_is_loaded());
}

SL_TEST(nats_library, one_of_another_kind_is_refused_and_the_right_one_taken_later)
{
    struct sl_error err = {0};

    hidden = "natsMsg_Create";
    sl_assert_fails(sl_nats_load(&err), SL_ENOTSUP, &err, "has no function 'natsMsg_Create'");
    cr_assert_not(sl_nats_is_loaded());
    hidden = NULL;
    err = (struct sl_error){0};
    sl_assert_ok(sl_nats_load(&err), &err);
    cr_assert(sl_nats_is_loaded());
    cr_assert_str_eq(natsStatus_GetText(NATS_OK), "OK");
}

SL_TEST(nats_library, a_bus_that_needs_it_says_that_it_is_missing_and_ends_in_order)
{
    const struct transport_config config = {.servers = "nats://127.0.0.1:1"};
    struct sl_error err = {0};

    replacement = "libnot-there.so.7";
    sl_assert_fails(jetstream_ops.purge(&config, &err), SL_ENOTSUP, &err,
                    "cannot load the NATS client");
    err = (struct sl_error){0};
    sl_assert_ok(jetstream_ops.teardown(&err), &err);
}
