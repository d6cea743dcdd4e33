/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a look leaves for later ones.  The directory is the test's own. */
#include "sl_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "harness/snapshot/cache/folder.h"
#include "harness/snapshot/cache/store.h"

static char base[64], directory[128];

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);

static bool no_memory_for_directories;

DIR *__wrap_fdopendir(int fd)
{
    if (!no_memory_for_directories)
        return __real_fdopendir(fd);
    errno = ENOMEM;
    return NULL;
}

static void enter(void)
{
    (void) snprintf(base, sizeof base, "/tmp/strandline-test-XXXXXX");
    cr_assert(mkdtemp(base));
    (void) snprintf(directory, sizeof directory, "%s/strandline", base);
    cr_assert_eq(setenv("XDG_CACHE_HOME", base, 1), 0);
}

static void leave(void)
{
    char command[96];
    (void) snprintf(command, sizeof command, "rm -rf '%s'", base);
    cr_assert_eq(system(command), 0);
}

#define STORE_TEST(name) SL_TEST(store, name, .init = enter, .fini = leave)

/* Of this program, as if it were a module. */
static struct sl_store_key some_key(void)
{
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    SL_AUTO_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const int fds[SL_STORE_FILES] = {fd, -1, -1};
    struct sl_image image = {.build_id_size = 20};
    struct sl_store_key key;
    struct sl_error err = {0};

    memset(image.build_id, 7, image.build_id_size);
    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    if (!sl_store_key_init(&key, &target, &image, fds))
        cr_skip_test("this linker makes no build-ids");
    return key;
}

static const struct sl_frame frames[] = {
    {.function = "inlined", .file = "a.h", .line = 3, .inlined = true},
    {.function = "outer", .file = "a.c", .line = 70000},
    {.function = "without a line"},
};
static const struct sl_known_code codes[] = {{0x1000, frames, 2}, {0x2000, frames + 2, 1}};

struct taken {
    size_t n;
    bool right;
};

static void take(void *context, uint64_t address, const struct sl_frame *got, size_t n)
{
    struct taken *taken = context;
    const struct sl_known_code *code = &codes[address == 0x2000];

    taken->right = address == code->address && n == code->n_frames && (taken->right || !taken->n);
    for (size_t i = 0; taken->right && i < n; i++) {
        const struct sl_frame *wanted = &code->frames[i];
        taken->right = strcmp(got[i].function, wanted->function) == 0 &&
                       !got[i].file == !wanted->file &&
                       (!got[i].file || strcmp(got[i].file, wanted->file) == 0) &&
                       got[i].line == wanted->line && got[i].inlined == wanted->inlined;
    }
    taken->n++;
}

/* How many codes there are; all are those above. */
static size_t n_read(const struct sl_store_key *key)
{
    SL_AUTO(sl_store) struct sl_store *store = sl_store_open();
    struct taken taken = {0};

    if (!store)
        return 0;
    sl_store_read(store, key, take, &taken);
    cr_assert(!taken.n || taken.right);
    return taken.n;
}

static void write_codes(const struct sl_store_key *key)
{
    SL_AUTO(sl_store) struct sl_store *store = sl_store_open();
    cr_assert(store);
    sl_store_write(store, key, codes, SL_COUNT_OF(codes));
}

/* The one file that is there; its name lasts until the next call. */
static const char *only_file(void)
{
    static char path[512];
    DIR *files = opendir(directory);
    size_t n = 0;

    cr_assert(files);
    for (const struct dirent *entry; (entry = readdir(files));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void) snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        n++;
    }
    (void) closedir(files);
    cr_assert_eq(n, 1);
    return path;
}

static char *content(size_t *ret_size)
{
    const char *path = only_file();
    struct stat stat_of;

    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &stat_of) == 0);
    *ret_size = (size_t) stat_of.st_size;
    char *data = malloc(*ret_size);
    cr_assert_eq(read(fd, data, *ret_size), stat_of.st_size);
    return data;
}

STORE_TEST(what_was_written_is_read_again)
{
    struct sl_store_key key = some_key();

    cr_assert_eq(n_read(&key), 0);
    write_codes(&key);
    cr_assert_eq(n_read(&key), SL_COUNT_OF(codes));
    write_codes(&key);
    cr_assert_eq(n_read(&key), SL_COUNT_OF(codes));
    (void) only_file();
}

STORE_TEST(another_build_module_or_file_has_nothing)
{
    struct sl_store_key key = some_key();

    write_codes(&key);
    for (size_t i = 0; i < sizeof key; i++) {
        struct sl_store_key other = key;
        ((unsigned char *) &other)[i] ^= 1;
        cr_assert_eq(n_read(&other), 0, "byte %zu", i);
    }
}

STORE_TEST(a_file_with_one_bit_changed_or_cut_is_as_if_it_were_not_there)
{
    struct sl_store_key key = some_key();
    struct taken taken = {0};
    size_t size;

    write_codes(&key);
    SL_AUTO_FREE char *data = content(&size);
    cr_assert(sl_store_parse(data, size, &key, take, &taken) && taken.n == SL_COUNT_OF(codes));
    for (size_t i = 0; i < size; i++) {
        data[i] ^= 4;
        cr_assert(!sl_store_parse(data, size, &key, take, &taken), "byte %zu", i);
        data[i] ^= 4;
        cr_assert(!sl_store_parse(data, i, &key, take, &taken), "%zu bytes", i);
    }
    cr_assert_eq(taken.n, SL_COUNT_OF(codes), "nothing of a bad file is taken");
}

STORE_TEST(numbers_that_do_not_fit_are_refused_with_a_right_checksum_too)
{
    struct sl_store_key key = some_key();
    size_t size, n_refused = 0;

    write_codes(&key);
    SL_AUTO_FREE char *data = content(&size);
    for (size_t i = 0; i + sizeof(uint32_t) <= size; i += sizeof(uint32_t)) {
        struct taken taken = {0};
        uint32_t was, all = UINT32_MAX;
        memcpy(&was, data + i, sizeof was);
        memcpy(data + i, &all, sizeof all);
        sl_store_seal(data, size);
        n_refused += !sl_store_parse(data, size, &key, take, &taken);
        memcpy(data + i, &was, sizeof was);
    }
    cr_assert_gt(n_refused, sizeof key / sizeof(uint32_t));
}

STORE_TEST(what_somebody_else_may_write_is_not_used)
{
    struct sl_store_key key = some_key();

    write_codes(&key);
    cr_assert_eq(chmod(only_file(), 0620), 0);
    cr_assert_eq(n_read(&key), 0);
    cr_assert_eq(chmod(only_file(), 0600), 0);
    cr_assert_eq(n_read(&key), SL_COUNT_OF(codes));
    cr_assert_eq(chmod(directory, 0770), 0);
    cr_assert_null(sl_store_open());
    cr_assert_eq(chmod(directory, 0700), 0);
    if (geteuid())
        cr_skip_test("only root can give files away");
    cr_assert_eq(chown(only_file(), 65534, 65534), 0);
    cr_assert_eq(n_read(&key), 0);
    cr_assert_eq(chown(directory, 65534, 65534), 0);
    cr_assert_null(sl_store_open());
}

STORE_TEST(links_are_not_followed)
{
    struct sl_store_key key = some_key();
    char path[512], moved[512];

    write_codes(&key);
    (void) snprintf(path, sizeof path, "%s", only_file());
    (void) snprintf(moved, sizeof moved, "%s/moved", base);
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(symlink(moved, path), 0);
    cr_assert_eq(n_read(&key), 0);
    write_codes(&key); /* takes the place of the link */
    cr_assert_eq(n_read(&key), SL_COUNT_OF(codes));
    (void) unlink(moved);
    cr_assert_eq(rename(directory, moved), 0);
    cr_assert_eq(symlink(moved, directory), 0);
    cr_assert_null(sl_store_open());
}

STORE_TEST(a_full_disk_leaves_what_was_there_and_nothing_else)
{
    const struct rlimit none = {100, RLIM_INFINITY};
    struct sl_store_key key = some_key(), other = key;

    write_codes(&key);
    (void) signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    other.files[0].size++;
    write_codes(&key);
    write_codes(&other);
    cr_assert_eq(n_read(&key), SL_COUNT_OF(codes));
    cr_assert_eq(n_read(&other), 0);
    (void) only_file();
}

STORE_TEST(those_not_used_for_longest_make_room)
{
    SL_AUTO_FD int folder = sl_folder_open(true);
    struct timespec past[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    uint64_t bytes;
    size_t n, size;
    char name[32];

    for (unsigned i = 0; i <= SL_FOLDER_MAX_FILES; i++) {
        (void) snprintf(name, sizeof name, "file-%u", i);
        cr_assert(sl_folder_write(folder, name, "x", 1));
        past[1].tv_sec++;
        if (i < SL_FOLDER_MAX_FILES)
            cr_assert_eq(utimensat(folder, name, past, 0), 0);
    }
    sl_folder_measure(folder, &n, &bytes);
    cr_assert_eq(n, SL_FOLDER_MAX_FILES / 2);
    cr_assert_eq(bytes, n);
    SL_AUTO_FREE void *newest = sl_folder_read(folder, name, &size);
    cr_assert(newest);
    cr_assert_null(sl_folder_read(folder, "file-0", &size));
}

STORE_TEST(a_directory_that_cannot_be_listed_does_not_stay_open)
{
    SL_AUTO_FD int folder = sl_folder_open(true);
    uint64_t bytes;
    size_t n;

    cr_assert_gt(folder, 0);
    (void) close(0);
    no_memory_for_directories = true;
    sl_folder_measure(folder, &n, &bytes);
    cr_assert_eq(n, 0);
    cr_assert_lt(fcntl(0, F_GETFD), 0);
}

STORE_TEST(what_a_killed_writer_left_goes_when_nobody_can_be_writing_it)
{
    const struct timespec past[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct sl_store_key key = some_key();
    char path[512];

    SL_AUTO_FD int folder = sl_folder_open(true);
    SL_AUTO_FD int file = openat(folder, ".new-1-1", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert(file >= 0 && futimens(file, past) == 0);
    write_codes(&key);
    (void) snprintf(path, sizeof path, "%s", only_file());
    cr_assert_null(strstr(path, ".new-"));
}

STORE_TEST(many_may_write_at_once)
{
    struct sl_store_key key = some_key();
    int status;

    write_codes(&key);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid)
            continue;
        for (int k = 0; k < 200; k++) {
            write_codes(&key);
            if (n_read(&key) != SL_COUNT_OF(codes))
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 10; i++)
        cr_assert(wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status));
    (void) only_file();
}

STORE_TEST(without_a_home_nothing_is_kept)
{
    cr_assert_eq(setenv("XDG_CACHE_HOME", "not/absolute", 1), 0);
    cr_assert_eq(unsetenv("HOME"), 0);
    cr_assert_null(sl_store_open());
    cr_assert_eq(setenv("HOME", base, 1), 0);
    char path[128];
    (void) snprintf(path, sizeof path, "%s/.cache/strandline", base);
    struct sl_store_key key = some_key();
    cr_assert_eq(n_read(&key), 0);
    cr_assert_neq(access(path, X_OK), 0, "who only looks makes nothing");
    write_codes(&key);
    cr_assert_eq(access(path, X_OK), 0);
}
