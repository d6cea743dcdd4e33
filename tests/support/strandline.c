/* SPDX-License-Identifier: Apache-2.0 */
#include "strandline.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[PATH_MAX];

const char *strandline_program(void)
{
    return STRANDLINE_PROGRAM; /* set by the build */
}

void strandline_enter(void)
{
    (void) snprintf(directory, sizeof directory, "%s/strandline-test-XXXXXX",
                    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    cr_assert(mkdtemp(directory), "cannot create '%s'", directory);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void) status;
    (void) type;
    (void) place;
    return remove(path);
}

void strandline_leave(void)
{
    (void) nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *strandline_directory(void)
{
    return directory;
}

const char *strandline_file(const char *name, const char *text)
{
    static char path[PATH_MAX + 64];
    (void) snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    cr_assert(file, "cannot create '%s'", path);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    return path;
}

struct command_result strandline_run(const char *first, ...)
{
    const char *argv[32] = {STRANDLINE_PROGRAM, first};
    size_t n = 2;
    va_list args;

    va_start(args, first);
    while (n < sizeof argv / sizeof *argv - 1 && (argv[n] = va_arg(args, const char *)))
        n++;
    va_end(args);
    argv[n] = NULL;
    const struct command command = {.argv = argv, .directory = directory};
    return command_run(&command);
}

json_t *strandline_json(const char *name)
{
    char path[PATH_MAX + 64];
    json_error_t error;

    (void) snprintf(path, sizeof path, "%s/%s", directory, name);
    json_t *root = json_load_file(path, 0, &error);
    cr_assert(root, "%s:%d: %s", path, error.line, error.text);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (schema && strncmp(schema, "strandline.report/", strlen("strandline.report/")) == 0) {
        struct command_result result = strandline_run("show", name, NULL);
        cr_assert_eq(result.status, 0, "%s", result.errors);
    }
    return root;
}

const json_t *json_at(const json_t *root, const char *path)
{
    char copy[256];
    const json_t *at = root;
    char *rest = copy;

    cr_assert_lt(strlen(path), sizeof copy);
    strcpy(copy, path);
    for (const char *key; at && (key = strsep(&rest, "."));)
        at = json_is_array(at) ? json_array_get(at, (size_t) atoi(key)) : json_object_get(at, key);
    cr_assert(at, "the report has no '%s'", path);
    return at;
}

long json_number_at(const json_t *root, const char *path)
{
    const json_t *value = json_at(root, path);
    cr_assert(json_is_integer(value), "'%s' is no whole number", path);
    return (long) json_integer_value(value);
}

const char *json_text_at(const json_t *root, const char *path)
{
    const json_t *value = json_at(root, path);
    cr_assert(json_is_string(value), "'%s' is no string", path);
    return json_string_value(value);
}
