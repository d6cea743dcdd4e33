/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios as files: by path, or by name along a search path. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/grow.h"
#include "scenarios/scenario.h"

#define DEFAULT_SEARCH_PATH SL_SCENARIO_DATA_DIR ":" SL_SCENARIO_SOURCE_DIR
#define SUFFIX              ".json"

typedef char scenario_name[SL_NAME_MAX];

static void close_directory(DIR **directory)
{
    if (*directory)
        (void) closedir(*directory);
}

static bool has_suffix(const char *text)
{
    size_t length = strlen(text);
    return length > strlen(SUFFIX) && strcmp(text + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* The next directory of a search path; empty ones are passed over. */
static bool next_directory(const char **search_path, char *ret_directory, size_t size)
{
    while (**search_path) {
        size_t length = strcspn(*search_path, ":");
        const char *start = *search_path;
        *search_path += length + (start[length] == ':');
        if (length > 0 && length < size) {
            memcpy(ret_directory, start, length);
            ret_directory[length] = '\0';
            return true;
        }
    }
    return false;
}

/* SL_ENOENT without a description when there is no such file. */
static enum sl_status
load_file(const char *path, struct sl_scenario **ret_scenario, struct sl_error *err)
{
    SL_AUTO_FREE char *text = NULL;
    size_t size = 0;

    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return SL_ENOENT;
    if (fd < 0)
        return sl_fail_errno(err, "cannot open '%s'", path);
    /* One byte more than fits shows that it is too large. */
    if (!sl_file_read_all(fd, SL_SCENARIO_SIZE_MAX + 1, &text, &size))
        return sl_fail_errno(err, "cannot read '%s'", path);
    return sl_scenario_parse(path, text, size, ret_scenario, err);
}

static enum sl_status load_by_name(const char *name, const char *search_path,
                                   struct sl_scenario **ret_scenario, struct sl_error *err)
{
    char directory[PATH_MAX], path[2 * PATH_MAX];

    for (const char *left = search_path; next_directory(&left, directory, sizeof directory);) {
        (void) snprintf(path, sizeof path, "%s/%s" SUFFIX, directory, name);
        enum sl_status s = load_file(path, ret_scenario, err);
        if (s != SL_ENOENT)
            return s;
    }
    return sl_fail(err, SL_ENOENT, "no scenario '%s': there is no '%s" SUFFIX "' in '%s'", name,
                   name, search_path);
}

enum sl_status sl_scenario_load(const char *name_or_path, const char *search_path,
                                struct sl_scenario **ret_scenario, struct sl_error *err)
{
    if (!strchr(name_or_path, '/') && !has_suffix(name_or_path))
        return load_by_name(name_or_path, search_path ? search_path : DEFAULT_SEARCH_PATH,
                            ret_scenario, err);
    enum sl_status s = load_file(name_or_path, ret_scenario, err);
    if (s == SL_ENOENT)
        return sl_fail(err, SL_ENOENT, "cannot open '%s': no such file", name_or_path);
    return s;
}

/* Add the names of a directory's scenarios.  A directory that cannot be read has none. */
static enum sl_status collect_names(const char *path, scenario_name **names, size_t *n_names,
                                    size_t *capacity, struct sl_error *err)
{
    SL_CLEANUP(close_directory) DIR *directory = opendir(path);
    if (!directory)
        return SL_OK;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (!has_suffix(entry->d_name) || length - strlen(SUFFIX) >= SL_NAME_MAX)
            continue;
        if (!sl_grow(names, capacity, *n_names + 1))
            return sl_fail(err, SL_ENOMEM, "cannot list the scenarios in '%s': out of memory",
                           path);
        char *name = (*names)[(*n_names)++];
        memcpy(name, entry->d_name, length - strlen(SUFFIX));
        name[length - strlen(SUFFIX)] = '\0';
    }
    return SL_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Load what can be loaded of a sorted list, each name once. */
static enum sl_status load_names(const scenario_name *names, size_t n_names,
                                 const char *search_path, struct sl_scenario_list *list,
                                 struct sl_error *err)
{
    for (size_t i = 0; i < n_names; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        enum sl_status s =
            load_by_name(names[i], search_path, &list->scenarios[list->n_scenarios], NULL);
        if (s == SL_ENOMEM)
            return sl_fail(err, s, "cannot load scenario '%s': out of memory", names[i]);
        if (s == SL_OK)
            list->n_scenarios++;
    }
    return SL_OK;
}

enum sl_status
sl_scenario_list(const char *search_path, struct sl_scenario_list **ret_list, struct sl_error *err)
{
    SL_AUTO_FREE scenario_name *names = NULL;
    size_t n_names = 0, capacity = 0;
    char directory[PATH_MAX];

    if (!search_path)
        search_path = DEFAULT_SEARCH_PATH;
    for (const char *left = search_path; next_directory(&left, directory, sizeof directory);) {
        enum sl_status s = collect_names(directory, &names, &n_names, &capacity, err);
        if (s)
            return s;
    }
    if (n_names > 0)
        qsort(names, n_names, sizeof *names, compare_names);

    SL_AUTO(sl_scenario_list) struct sl_scenario_list *list = calloc(1, sizeof *list);
    if (list)
        list->scenarios = calloc(SL_MAX(n_names, 1), sizeof(struct sl_scenario *));
    if (!list || !list->scenarios)
        return sl_fail(err, SL_ENOMEM, "cannot list the scenarios: out of memory");
    enum sl_status s = load_names(names, n_names, search_path, list, err);
    if (s)
        return s;
    *ret_list = SL_TAKE(list);
    return SL_OK;
}

void sl_scenario_list_free(struct sl_scenario_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->n_scenarios; i++)
        sl_scenario_free(list->scenarios[i]);
    free(list->scenarios);
    free(list);
}
