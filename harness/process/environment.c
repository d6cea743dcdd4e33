/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/environment.h"

#include <gnu/libc-version.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/arena.h"

/*
 * Find the line of a text file that starts with `key`.
 *
 * @return what follows the key, within `line`, without the newline; NULL when there is none
 */
static char *find_line(const char *path, const char *key, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    char *value = NULL;

    if (!file)
        return NULL;
    while (!value && fgets(line, (int) size, file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = line + strlen(key);
    (void) fclose(file);
    if (value)
        value[strcspn(value, "\n")] = '\0';
    return value;
}

/* "model name	: X", a line that not every architecture has. */
static const char *read_cpu(struct sl_arena *arena)
{
    char line[512];
    const char *value = find_line("/proc/cpuinfo", "model name", line, sizeof line);

    return value ? sl_arena_strdup(arena, value + strspn(value, " \t:")) : NULL;
}

/* Undo the quoting of a shell-like assignment, in place. */
static char *unquote(char *value)
{
    char quote = *value == '"' || *value == '\'' ? *value : '\0';
    char *from = value + (quote != '\0'), *to = value;

    while (*from && *from != quote) {
        if (*from == '\\' && quote != '\'' && from[1])
            from++;
        *to++ = *from++;
    }
    *to = '\0';
    return value;
}

static const char *read_os(struct sl_arena *arena)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    char line[512];

    for (size_t i = 0; i < SL_COUNT_OF(paths); i++) {
        char *value = find_line(paths[i], "PRETTY_NAME=", line, sizeof line);
        if (value)
            return sl_arena_strdup(arena, unquote(value));
    }
    return NULL;
}

static const char *read_kernel(struct sl_arena *arena)
{
    struct utsname name;

    if (uname(&name) < 0)
        return NULL;
    return sl_arena_printf(arena, "%s %s %s", name.sysname, name.release, name.machine);
}

/* Cores that this process may use: what the measured bus has, too. */
static uint64_t count_cores(void)
{
    cpu_set_t allowed;

    /* Fails on machines with more cores than the set has room for. */
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return (uint64_t) CPU_COUNT(&allowed);
    return (uint64_t) get_nprocs();
}

static uint64_t read_memory(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 ? (uint64_t) info.totalram * info.mem_unit : 0;
}

struct sl_real sl_environment_load(void)
{
    double load;

    if (getloadavg(&load, 1) != 1)
        return SL_MISSING_REAL("the system does not tell its load");
    return SL_REAL(load);
}

void sl_environment_read(struct sl_arena *arena, struct sl_environment *ret_environment)
{
    struct utsname name;

    *ret_environment = (struct sl_environment){
        .host = uname(&name) == 0 && *name.nodename ? sl_arena_strdup(arena, name.nodename) : NULL,
        .cpu = read_cpu(arena),
        .kernel = read_kernel(arena),
        .os = read_os(arena),
        .libc = sl_arena_printf(arena, "glibc %s", gnu_get_libc_version()),
        .cores = count_cores(),
        .memory = read_memory(),
        .load_before = sl_environment_load(),
        .load_after = SL_MISSING_REAL("the run has not ended"),
    };
}
