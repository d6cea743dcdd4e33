/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/driver_load.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"

/* @return the name of a required callback that is missing, or NULL */
static const char *missing_callback(const struct sl_driver *driver)
{
    const struct {
        bool present;
        const char *name;
    } required[] = {
        {driver->open, "open"},       {driver->subscribe, "subscribe"},
        {driver->publish, "publish"}, {driver->flush, "flush"},
        {driver->stats, "stats"},     {driver->close, "close"},
        {driver->destroy, "destroy"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(required); i++)
        if (!required[i].present)
            return required[i].name;
    return NULL;
}

static enum sl_status
check_driver(const struct sl_driver *driver, const char *path, struct sl_error *err)
{
    if (!driver)
        return sl_fail(err, SL_EINVAL, "'%s' is not a driver: " SL_DRIVER_SYMBOL " returns NULL",
                       path);
    /* Nothing else may be looked at before the version is known to match. */
    if (driver->abi < SL_DRIVER_ABI_MIN || driver->abi > SL_DRIVER_ABI)
        return sl_fail(err, SL_EINVAL,
                       "driver '%s' is for version %u of the interface, not %u to %u", path,
                       driver->abi, SL_DRIVER_ABI_MIN, SL_DRIVER_ABI);
    if (!driver->name || !driver->version)
        return sl_fail(err, SL_EINVAL, "driver '%s' gives no %s", path,
                       driver->name ? "version" : "name");
    const char *missing = missing_callback(driver);
    if (missing)
        return sl_fail(err, SL_EINVAL, "driver '%s' lacks the callback '%s'", path, missing);
    return SL_OK;
}

enum sl_status
sl_driver_load(const char *path, const struct sl_driver **ret_driver, struct sl_error *err)
{
    /* dlopen would look for a name without a slash among the system's libraries. */
    char resolved[PATH_MAX];
    if (!realpath(path, resolved))
        return sl_fail(err, SL_ENOENT, "cannot open driver '%s': %m", path);
    void *module = dlopen(resolved, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return sl_fail(err, SL_EINVAL, "cannot load driver '%s': %s", path, dlerror());
    void *symbol = dlsym(module, SL_DRIVER_SYMBOL);
    if (!symbol)
        return sl_fail(err, SL_EINVAL, "'%s' is not a driver: it lacks the symbol '%s'", path,
                       SL_DRIVER_SYMBOL);

    sl_driver_entry entry;
    memcpy(&entry, &symbol, sizeof entry); /* C has no cast from object to function pointers */
    const struct sl_driver *driver = entry();
    enum sl_status status = check_driver(driver, path, err);
    if (status)
        return status;
    *ret_driver = driver;
    return SL_OK;
}

enum sl_status sl_driver_failed(const char *step, enum sl_status status, struct sl_error *err)
{
    err->status = status;
    if (!memchr(err->text, '\0', sizeof err->text))
        err->text[sizeof err->text - 1] = '\0';
    if (!err->text[0])
        (void) snprintf(err->text, sizeof err->text, "%s", sl_status_text(status));
    sl_error_prefix(err, "%s", step);
    return status;
}
