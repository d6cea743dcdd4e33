/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/identity.h"

#include <stdlib.h>
#include <string.h>

#include <sha2.h>

#include <strandline/snapshot.h>

#include "cli/run/version.h"
#include "harness/snapshot/module/image.h"
#include "harness/snapshot/target/regular.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* The tool, and the libraries that it was built with. */
static void fill_build(struct sl_run_result *result)
{
    static const char dirty[] = "-dirty";
    bool known = strcmp(version_commit, "unknown") != 0;
    size_t length = strlen(version_commit);
    bool changed =
        length >= sizeof dirty && strcmp(version_commit + length - (sizeof dirty - 1), dirty) == 0;

    result->tool.version = sl_version();
    result->tool.fingerprints = SL_VALUE(SL_FINGERPRINTS);
    result->tool.compiler = COMPILER;
    result->tool.build_type = SL_BUILD_TYPE;
    /* Where no commit is known, nobody knows of changes to it either. */
    result->tool.dirty = !known ? SL_MAYBE_UNKNOWN : changed ? SL_MAYBE_YES : SL_MAYBE_NO;
    if (changed)
        length -= sizeof dirty - 1;
    result->tool.commit =
        known ? sl_arena_printf(result->arena, "%.*s", (int) length, version_commit) : NULL;
    result->environment.libnats = SL_LIBNATS_VERSION;
    result->environment.libunwind = SL_LIBUNWIND_VERSION;
    result->environment.libdw = SL_LIBDW_VERSION;
}

/* Where build services say which commit they test; the first that is set is it. */
static const char *const commit_variables[] = {
    "SL_COMMIT",     /* ours, before all others */
    "GITHUB_SHA",    /* GitHub Actions, Gitea, Forgejo */
    "CI_COMMIT_SHA", /* GitLab, Woodpecker */
    "BUILDKITE_COMMIT",    "CIRCLE_SHA1",      "TRAVIS_COMMIT",         "GIT_COMMIT", /* Jenkins */
    "BUILD_SOURCEVERSION", /* Azure Pipelines */
    "BITBUCKET_COMMIT",    "DRONE_COMMIT_SHA", "CIRRUS_CHANGE_IN_REPO",
};

static char *to_hex(struct sl_arena *arena, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = size ? sl_arena_array(arena, 2 * size + 1, 1) : NULL;

    for (size_t i = 0; text && i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return text;
}

static bool read_at(void *context, uint64_t offset, void *data, size_t size)
{
    return pread(*(const int *) context, data, size, (off_t) offset) == (ssize_t) size;
}

static const char *build_id_of(int fd, struct sl_arena *arena)
{
    const struct sl_image_bytes bytes = {.read = read_at, .context = &fd};
    struct sl_image image;

    return sl_image_load(&bytes, arena, &image) ? to_hex(arena, image.build_id, image.build_id_size)
                                                : NULL;
}

static const char *sha256_of(int fd, struct sl_arena *arena)
{
    unsigned char buffer[16384], digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;
    ssize_t n;

    SHA256Init(&context);
    for (off_t at = 0; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
        SHA256Update(&context, buffer, (size_t) n);
    SHA256Final(digest, &context);
    return n == 0 ? to_hex(arena, digest, sizeof digest) : NULL;
}

void run_identity_fill(const struct run_request *request, struct sl_run_result *result)
{
    fill_build(result);
    result->run.label = request->label;
    for (size_t i = 0; i < SL_COUNT_OF(commit_variables) && !result->run.commit; i++) {
        const char *value = getenv(commit_variables[i]);
        if (!value || !*value)
            continue;
        result->run.commit = sl_arena_strdup(result->arena, value);
        result->run.commit_from = commit_variables[i];
    }
    if (!request->opts.bus.driver_path)
        return;
    SL_AUTO_FD int fd = sl_regular_open(request->opts.bus.driver_path);
    result->driver_file.path = request->opts.bus.driver_path;
    if (fd < 0)
        return;
    result->driver_file.build_id = build_id_of(fd, result->arena);
    result->driver_file.sha256 = sha256_of(fd, result->arena);
}
