/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the cache that somebody made up: an input is what follows the key.  The checksum is
 * made right, so that all the rest is come to; whatever it says, names end inside the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/cache/store.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char start[16] = "SLNAMES\0\1"; /* the magic number and the version */

static void take(void *context, uint64_t address, const struct sl_frame *frames, size_t n)
{
    size_t *longest = context;

    (void) address;
    require(n > 0, "a code has frames");
    for (size_t i = 0; i < n; i++) {
        require(!frames[i].function || strlen(frames[i].function) <= *longest, "a name ends");
        require(!frames[i].file || strlen(frames[i].file) <= *longest, "a file ends");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_store_key key;
    const size_t rest = sizeof start + sizeof key;

    if (size < 4 * sizeof(uint64_t))
        return 0;
    memset(&key, 0, sizeof key);
    SL_AUTO_FREE char *file = calloc(1, rest + size);
    require(file, "there is memory");
    memcpy(file, start, sizeof start);
    memcpy(file + rest, data, size);
    sl_store_seal(file, rest + size);
    (void) sl_store_parse(file, rest + size, &key, take, &size);
    return 0;
}
