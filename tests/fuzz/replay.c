/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main for fuzz targets without a fuzzing engine: runs every file below the
 * directories and files given, so that a corpus is replayed as a test.
 *
 * usage: fuzz_TARGET PATH...
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_replayed; /* nftw() hands nothing to its callback */

static int replay(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void) walk;
    if (type == FTW_DNR || type == FTW_NS)
        return 1;
    if (type != FTW_F)
        return 0;

    /* Exactly as large as the input, so that a sanitizer sees a read behind it. */
    size_t size = (size_t) info->st_size;
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    int failed = !data || !file || fread(data, 1, size, file) != size;
    if (file)
        (void) fclose(file);
    if (!failed)
        (void) LLVMFuzzerTestOneInput(data, size);
    free(data);
    n_replayed++;
    if (failed)
        (void) fprintf(stderr, "cannot read %s\n", path);
    return failed;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], replay, 16, FTW_PHYS) != 0) {
            (void) fprintf(stderr, "cannot replay %s\n", argv[i]);
            return 1;
        }
    }
    (void) printf("%zu inputs replayed\n", n_replayed);
    return n_replayed == 0; /* a corpus that is not found is no success */
}
