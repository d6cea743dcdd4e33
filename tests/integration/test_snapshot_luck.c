/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of processes that are not as one would like them, and of those that do not hold still.
 */
#include "sl_snapshot_test.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "sl_subject.h"

/* `for (;;) pause();` for 32-bit x86, behind the headers of a file that is nothing else. */
static int write_32_bit_program(void)
{
    static const uint8_t code[] = {0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7};
    const uint32_t base = 0x8048000, start = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr);
    const Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_entry = base + start,
        .e_phoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 1};
    const Elf32_Phdr segment = {.p_type = PT_LOAD,
                                .p_vaddr = base,
                                .p_filesz = start + sizeof code,
                                .p_memsz = start + sizeof code,
                                .p_flags = PF_R | PF_X,
                                .p_align = 4096};
    int fd = memfd_create("program", MFD_CLOEXEC);

    cr_assert(fd >= 0 && write(fd, &header, sizeof header) == sizeof header &&
              write(fd, &segment, sizeof segment) == sizeof segment &&
              write(fd, code, sizeof code) == sizeof code);
    return fd;
}

/* @return its pid once it runs the program, or 0 when the kernel does not run such programs */
static pid_t start_program(int fd)
{
    static char name[] = "program";
    char *const argv[] = {name, NULL}, *const environment[] = {NULL};
    int started[2], error = 0;

    cr_assert(pipe2(started, O_CLOEXEC) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) fexecve(fd, argv, environment);
        error = errno;
        (void) !write(started[1], &error, sizeof error);
        _exit(127);
    }
    (void) close(started[1]);
    bool failed = read(started[0], &error, sizeof error) > 0; /* closed by the start */
    (void) close(started[0]);
    if (!failed)
        return pid;
    cr_assert(waitpid(pid, NULL, 0) == pid);
    cr_assert_eq(error, ENOEXEC, "%s", strerror(error));
    return 0;
}

SL_TEST(snapshot_luck, a_32_bit_process_is_refused_by_every_source, .timeout = 60)
{
    int fd = write_32_bit_program();
    pid_t pid = start_program(fd);

    (void) close(fd);
    if (!pid)
        cr_skip_test("the kernel runs no 32-bit programs");
    for (enum sl_snapshot_source source = SL_SNAPSHOT_AUTO; source <= SL_SNAPSHOT_PTRACE;
         source++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = source};
        struct sl_error err = {0};
        struct sl_snapshot *snapshot = NULL;
        sl_assert_fails(sl_snapshot_take(pid, &opts, &snapshot, &err), SL_ENOTSUP, &err,
                        "is not a 64-bit x86 process");
    }
    cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* Whole and of one chain, or said not to be. */
static void check_flicker(const struct sl_thread *thread)
{
    static const char *const chains[2][7] = {
        {"left_4", "left_3", "left_2", "left_1", "left_0", "run", NULL},
        {"right_4", "right_3", "right_2", "right_1", "right_0", "run", NULL}};
    const struct sl_stack *stack = thread->stack;
    size_t n_left = 0, n_right = 0;

    cr_assert((stack && stack->complete) || (stack ? stack->reason : thread->reason));
    for (size_t i = 0; stack && i < stack->n_frames; i++) {
        const char *function = stack->frames[i].function;
        n_left += function && strncmp(function, "left_", 5) == 0;
        n_right += function && strncmp(function, "right_", 6) == 0;
    }
    cr_assert(n_left == 0 || n_right == 0, "a stack that never was");
    if (!stack || !stack->complete)
        return;
    cr_assert(thread->consistent && has_function(stack, "run"));
    if (n_left == 5 || n_right == 5)
        cr_assert(has_functions(stack, chains[n_right == 5]));
}

SL_TEST(snapshot_luck, threads_that_never_rest_have_a_stack_that_was_or_a_reason, .timeout = 120)
{
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_AUTO, SL_SNAPSHOT_PROC,
                                                      SL_SNAPSHOT_PTRACE};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("flicker", "24");

    for (size_t i = 0; i < 30; i++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts,
                                              .source = sources[i % SL_COUNT_OF(sources)],
                                              .no_stop = i % 5 == 4 && i % 3 != 2};
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
        cr_assert_eq(snapshot->n_threads, 25);
        for (size_t t = 0; t < snapshot->n_threads; t++)
            if (snapshot->threads[t].id != (uint64_t) subject.pid) /* ids begin anew at times */
                check_flicker(&snapshot->threads[t]);
    }
}

SL_TEST(snapshot_luck, threads_that_come_and_go_do_not_disturb_the_others, .timeout = 120)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("churn", "4");

    for (size_t i = 0; i < 30; i++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts,
                                              .source = i % 2 ? SL_SNAPSHOT_PROC : SL_SNAPSHOT_AUTO,
                                              .find_unjoined = true};
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
        size_t n_makers = 0;
        for (size_t t = 0; t < snapshot->n_threads; t++) {
            const struct sl_thread *thread = &snapshot->threads[t];
            cr_assert(thread->stack || thread->reason);
            cr_assert(!thread->stack || thread->stack->complete || thread->stack->reason);
            cr_assert(t == 0 || thread->id > thread[-1].id);
            n_makers += thread->stack && has_function(thread->stack, "make");
        }
        cr_assert(snapshot->n_threads >= 5 && snapshot->n_threads <= 9, "%zu", snapshot->n_threads);
        cr_assert(n_makers <= 4);
        /* One that has just ended may be about to be joined. */
        cr_assert(snapshot->unjoined_missing || snapshot->n_unjoined <= 4);
    }
}

SL_TEST(snapshot_luck, threads_that_all_spin_are_read_and_run_on, .timeout = 200)
{
    const char *const argv[] = {"spinner", "64", NULL};
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_PROC};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);
    struct sl_error err = {0};
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_eq(snapshot->n_threads, 66);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        if (!thread->stack)
            cr_assert(strstr(thread->reason, "did not stop in time") ||
                          strstr(thread->reason, "stood still too long"),
                      "%s", thread->reason);
        else if (strcmp(thread->name, "spin") == 0)
            cr_assert(has_function(thread->stack, "spin") && thread->stack->complete);
    }
    sl_assert_ok(sl_tasks_list(subject.pid, &tasks, &err), &err);
    for (size_t i = 0; i < tasks->n_tasks; i++)
        cr_assert(strchr("RS", tasks->tasks[i].state), "%c", tasks->tasks[i].state);
}

SL_TEST(snapshot_luck, who_waits_for_an_io_uring_is_read_and_the_kernels_thread_is_told,
        .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("ring_waiter");
    const struct sl_thread *waiter = NULL, *worker = NULL;
    struct sl_error err = {0};
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;

    sl_assert_ok(sl_tasks_list(subject.pid, &tasks, &err), &err);
    if (tasks->n_tasks == 1) {
        cr_assert_eq(sl_subject_end(&subject), 0);
        cr_skip_test("no io_uring");
    }
    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        if (strncmp(snapshot->threads[i].name, "iou-", 4) == 0)
            worker = &snapshot->threads[i];
        else if (strcmp(snapshot->threads[i].name, "ring") == 0)
            waiter = &snapshot->threads[i];
    }
    cr_assert(waiter && waiter->stack->complete);
    cr_assert(has_function(waiter->stack, "wait_for_completion"));
    cr_assert_str_eq(waiter->wait.syscall, "io_uring_enter");
    cr_assert_str_eq(waiter->wait.target, "anon_inode:[io_uring]");
    cr_assert(worker && !worker->stack && strstr(worker->reason, "worker of the kernel"));
    cr_assert_eq(sl_subject_end(&subject), 0);
}

/* @return path of a copy, in a buffer of its own */
static char *copy_library(const char *directory, const char *name, const char *from)
{
    static char paths[4][600];
    static size_t n_paths;
    char command[1400], *path = paths[n_paths++];

    (void) snprintf(path, sizeof paths[0], "%s/%s.so", directory, name);
    (void) snprintf(command, sizeof command, "cp '%s/%s.so' '%s'", SL_SUBJECTS_DIR, from, path);
    cr_assert_eq(system(command), 0, "%s", command);
    return path;
}

SL_TEST(snapshot_luck, libraries_that_were_deleted_or_closed_give_no_wrong_frame, .timeout = 60)
{
    static const char *const through[] = {"wait_for_ever", "call_through_library", "run", NULL};
    char directory[] = "/tmp/strandline-test-XXXXXX";

    cr_assert(mkdtemp(directory));
    const char *kept = copy_library(directory, "kept", "unloaded_small");
    const char *deleted = copy_library(directory, "deleted", "unloaded_small");
    const char *closed = copy_library(directory, "closed", "unloaded_small");
    const char *replacement = copy_library(directory, "replacement", "unloaded_large");
    struct sl_test_subject subject = sl_subject("unloaded", kept, deleted, closed, replacement);
    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    static const char *const whole[] = {"kept", "deleted", "replaced"};
    for (size_t i = 0; i < SL_COUNT_OF(whole); i++) {
        const struct sl_thread *thread = thread_named(snapshot, whole[i]);
        cr_assert(thread->stack->complete, "%s: %s", whole[i], thread->stack->reason);
        cr_assert(has_functions(thread->stack, through), "%s", whole[i]);
    }
    /* Its code is gone, or another library lies there now: then the unwind may not go on as if. */
    const struct sl_thread *lost = thread_named(snapshot, "closed");
    cr_assert(lost->stack->complete ? has_functions(lost->stack, through) : !!lost->stack->reason);
    cr_assert_eq(sl_subject_end(&subject), 0);
    (void) unlink(kept), (void) unlink(closed), (void) unlink(replacement);
    cr_assert(rmdir(directory) == 0);
}

/* A thread whose outermost frames can not be read, because their page may not be. */
struct hidden {
    sem_t semaphore;
    uint8_t *stack;
    size_t size;
};

static __attribute__((noinline)) void wait_deep_down(struct hidden *hidden)
{
    volatile uint8_t room[16384]; /* so that no frame further in is on the last page */
    room[0] = 0;
    while (sem_wait(&hidden->semaphore))
        continue;
    room[1] = room[0];
}

static void *wait_hidden(void *argument)
{
    wait_deep_down(argument);
    return NULL;
}

/* The stack of the thread that waits deep down, whether it is whole or not; NULL: not there yet. */
static const struct sl_stack *find_deep(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (snapshot->threads[i].consistent &&
            has_function(snapshot->threads[i].stack, "wait_deep_down"))
            return snapshot->threads[i].stack;
    return NULL;
}

static void await_deep(void)
{
    for (bool arrived = false; !arrived; sl_clock_sleep_ns(SL_NS_PER_MS)) {
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(getpid());
        const struct sl_stack *stack = find_deep(snapshot);
        arrived = stack && stack->complete;
    }
}

SL_TEST(snapshot_luck, memory_of_the_own_process_that_may_not_be_read_cuts_a_stack, .timeout = 60)
{
    struct hidden hidden = {.size = 256 * 1024};
    pthread_attr_t attributes;
    pthread_t thread;

    hidden.stack =
        mmap(NULL, hidden.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(hidden.stack != MAP_FAILED && sem_init(&hidden.semaphore, 0, 0) == 0);
    cr_assert(pthread_attr_init(&attributes) == 0);
    cr_assert(pthread_attr_setstack(&attributes, hidden.stack, hidden.size) == 0);
    cr_assert(pthread_create(&thread, &attributes, wait_hidden, &hidden) == 0);
    await_deep();
    uint8_t *outermost = hidden.stack + hidden.size - 8192;
    cr_assert(mprotect(outermost, 8192, PROT_NONE) == 0);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(getpid());
    cr_assert(mprotect(outermost, 8192, PROT_READ | PROT_WRITE) == 0);
    const struct sl_stack *stack = find_deep(snapshot);
    cr_assert(stack && !stack->complete && strstr(stack->reason, "could not be read"));
    cr_assert(sem_post(&hidden.semaphore) == 0 && pthread_join(thread, NULL) == 0);
    cr_assert(pthread_attr_destroy(&attributes) == 0);
    cr_assert(munmap(hidden.stack, hidden.size) == 0 && sem_destroy(&hidden.semaphore) == 0);
}

SL_TEST(snapshot_luck, the_own_process_is_never_stopped_nor_signalled, .timeout = 60)
{
    const struct sl_snapshot_opts stop = {
        .size = sizeof stop, .source = SL_SNAPSHOT_PTRACE, .allow_stop = true};
    const struct sl_snapshot_opts allow = {
        .size = sizeof allow, .source = SL_SNAPSHOT_PROC, .allow_stop = true};
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;
    sigset_t all, pending;

    cr_assert(sl_snapshot_take(getpid(), &stop, &snapshot, &err) == SL_EPERM, "%s", err.text);
    /* A signal that came would stay pending. */
    (void) sigfillset(&all);
    cr_assert(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    SL_AUTO(sl_snapshot) struct sl_snapshot *taken = take_with(getpid(), &allow);
    cr_assert_eq(taken->stats.stopped, 0);
    cr_assert(sigpending(&pending) == 0 && sigisemptyset(&pending));
    cr_assert(pthread_sigmask(SIG_UNBLOCK, &all, NULL) == 0);
}

SL_TEST(snapshot_luck, threads_beyond_the_limit_are_counted, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "9", "3");
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .max_threads = 4};

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_eq(snapshot->n_threads, 4);
    cr_assert_eq(snapshot->n_left_out, 6);
    cr_assert_str_not_empty(snapshot->left_out_reason);
}

SL_TEST(snapshot_luck, when_the_time_is_over_threads_have_that_as_their_reason, .timeout = 60)
{
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_PROC, SL_SNAPSHOT_PTRACE};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "9", "3");

    for (size_t i = 0; i < SL_COUNT_OF(sources); i++) {
        const struct sl_snapshot_opts opts = {
            .size = sizeof opts, .source = sources[i], .max_time_ns = 1};
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
        cr_assert_eq(snapshot->n_threads, 10);
        cr_assert_eq(snapshot->n_left_out, 0);
        for (size_t t = 0; t < snapshot->n_threads; t++) {
            const struct sl_thread *thread = &snapshot->threads[t];
            cr_assert(!thread->stack && strstr(thread->reason, "time of the look"));
            cr_assert(thread->start_time && thread->state && *thread->name, "it is known who");
        }
    }
}

SL_TEST(snapshot_luck, stacks_end_where_no_more_frames_may_be_made, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "9", "3");
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .max_total_frames = 12};
    size_t n_frames = 0, n_without = 0;

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_eq(snapshot->n_threads, 10);
    for (size_t t = 0; t < snapshot->n_threads; t++) {
        const struct sl_thread *thread = &snapshot->threads[t];
        bool is_new = thread->stack;
        for (size_t k = 0; k < t; k++)
            is_new = is_new && snapshot->threads[k].stack != thread->stack;
        n_frames += is_new ? thread->stack->n_frames : 0;
        n_without += !thread->stack && strstr(thread->reason, "more frames");
    }
    cr_assert_leq(n_frames, 12);
    cr_assert_gt(n_without, 0);
}

SL_TEST(snapshot_luck, too_little_memory_is_a_failure_that_says_so, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "9", "3");
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .max_memory = 1024};
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    sl_assert_fails(sl_snapshot_take(subject.pid, &opts, &snapshot, &err), SL_ELIMIT, &err,
                    "larger than a look may read");
}

SL_TEST(snapshot_luck, a_source_that_would_take_too_much_memory_makes_way_for_the_next,
        .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "600", "3");
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .max_memory = 400 * 1024};

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_eq(snapshot->n_threads, 601);
}

static bool can_take(pid_t pid, enum sl_snapshot_source source)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = source};
    struct sl_snapshot *snapshot = NULL;

    bool taken = sl_snapshot_take(pid, &opts, &snapshot, NULL) == SL_OK;
    sl_snapshot_free(snapshot);
    return taken;
}

/* In a process that has nothing open for any source. */
static bool can_take_with(pid_t subject, enum sl_snapshot_source source, rlim_t spare)
{
    struct rlimit limit;
    int status;

    pid_t child = fork();
    cr_assert(child >= 0);
    if (!child) {
        (void) getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_cur - (rlim_t) sl_target_spare_fds() + spare;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        _exit(can_take(subject, source) ? 0 : 1);
    }
    cr_assert(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

SL_TEST(snapshot_luck, what_works_from_proc_works_where_another_source_is_tried_first,
        .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "3", "1");
    unsigned n_taken = 0;

    for (rlim_t spare = 1; spare < 16; spare++) {
        if (!can_take_with(subject.pid, SL_SNAPSHOT_PROC, spare))
            continue;
        cr_assert(can_take_with(subject.pid, SL_SNAPSHOT_AUTO, spare), "%d descriptors",
                  (int) spare);
        n_taken++;
    }
    cr_assert_gt(n_taken, 0);
}

/* Processes that this one has made and not reaped, of any kind. */
static size_t count_children(void)
{
    char path[64], text[4096];
    size_t n = 0;

    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_tasks_list(getpid(), &tasks, &err), &err);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        (void) snprintf(path, sizeof path, "/proc/self/task/%d/children", tasks->tasks[i].tid);
        cr_assert(sl_file_read(path, text, sizeof text));
        for (const char *at = text; (at = strchr(at, ' ')); at++)
            n++;
    }
    return n;
}

SL_TEST(snapshot_luck, memory_that_never_answers_takes_stacks_only, .timeout = 60)
{
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_AUTO, SL_SNAPSHOT_PROC};
    const size_t n_silent = 300;

    SL_AUTO_FD int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
    if (fd < 0)
        cr_skip_test("nobody may serve the page faults of calls here");
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("silent_memory", "300");
    for (size_t i = 0; i < SL_COUNT_OF(sources); i++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = sources[i]};
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
        const struct sl_thread *main_thread = sl_snapshot_find(snapshot, subject.pid);
        cr_assert_eq(snapshot->n_threads, n_silent + 1);
        cr_assert(main_thread->stack->complete, "%s", main_thread->stack->reason);
        for (size_t t = 0; t < snapshot->n_threads; t++) {
            const struct sl_thread *thread = &snapshot->threads[t];
            cr_assert(thread == main_thread || strstr(thread->stack->reason, "does not answer"),
                      "%s", thread->stack->reason);
        }
        cr_assert_eq(count_children(), 1, "the subject");
    }
}
