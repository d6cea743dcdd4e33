/* SPDX-License-Identifier: Apache-2.0 */
/* Whether stacks are right: how programs are built, where threads are, which source is used. */
#include "sl_snapshot_test.h"

#include "sl_subject.h"

/* Builds of blocked_calls that this machine could make. */
static const char *const layouts[] = {SL_LAYOUTS NULL};

SL_TEST(snapshot_stacks, stacks_that_are_not_ordinary_are_complete, .timeout = 60)
{
    static const struct {
        const char *thread, *functions[8];
    } cases[] = {
        {"altstack", {"handle", "<signal handler called>", "raise_here", "interrupted", "run"}},
        {"vfork", {"wait_in_vfork", "run"}},
        {"deep", {"dive", "dive", "start_dive", "run"}},
        {"inlined", {"inner", "outer", "run"}},
    };
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("odd_places");

    await_rest(subject.pid, true);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        const struct sl_thread *thread = thread_named(snapshot, cases[i].thread);
        cr_assert(thread && thread->stack, "%s", cases[i].thread);
        cr_assert(thread->stack->complete, "%s: %s", cases[i].thread, thread->stack->reason);
        cr_assert(thread->source == SL_SOURCE_PROC, "%s was stopped", cases[i].thread);
        cr_assert(has_functions(thread->stack, cases[i].functions), "%s", cases[i].thread);
    }
    cr_assert_eq(count_function(thread_named(snapshot, "deep")->stack, "dive"), 100);
    const struct sl_stack *inlined = thread_named(snapshot, "inlined")->stack;
    for (size_t i = 0; i + 1 < inlined->n_frames; i++)
        if (inlined->frames[i].inlined)
            cr_assert_eq(inlined->frames[i].address, inlined->frames[i + 1].address);
    cr_assert_eq(thread_named(snapshot, "vfork")->wait.kind, SL_WAIT_CHILD);
    cr_assert_eq(thread_named(snapshot, "vfork")->state, 'D');
}

/*
 * The user's part of a stack is known: block_in_NAME and run, each once.  (The names of
 * the C library around it depend on whether its debug symbols are installed.)
 */
static void check_blocked_stack(const char *subject, const struct sl_thread *thread)
{
    const struct sl_stack *stack = thread->stack;
    char function[32];
    const char *const names[] = {function, "run", NULL};

    (void) snprintf(function, sizeof function, "block_in_%s", thread->name);
    cr_assert(stack, "%s: %s: %s", subject, thread->name, thread->reason);
    if (!stack->complete) {
        cr_assert(stack->reason, "%s: %s", subject, thread->name);
        return;
    }
    cr_assert(has_functions(stack, names), "%s: %s", subject, thread->name);
    cr_assert_eq(count_function(stack, function), 1, "%s: %s", subject, thread->name);
    cr_assert_eq(count_function(stack, "run"), 1, "%s: %s", subject, thread->name);
}

SL_TEST(snapshot_stacks, no_layout_of_unwind_tables_gives_a_wrong_stack, .timeout = 250)
{
    for (size_t s = 0; layouts[s]; s++) {
        struct sl_test_subject subject = sl_subject(layouts[s]);
        size_t n_complete = 0;
        await_sleep(subject.pid);
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
        for (size_t i = 0; i < snapshot->n_threads; i++) {
            const struct sl_thread *thread = &snapshot->threads[i];
            n_complete += thread->stack && thread->stack->complete;
            if (thread->id != (uint64_t) subject.pid)
                check_blocked_stack(layouts[s], thread);
        }
        /* No register but SP and PC is needed: where rbp is asked for the code has it. */
        cr_assert_eq(n_complete, snapshot->n_threads, "%s: %zu complete", layouts[s], n_complete);
        cr_assert_eq(snapshot->stats.stopped, 0, "%s", layouts[s]);
        cr_assert_eq(sl_subject_end(&subject), 0, "%s: a call returned", layouts[s]);
    }
}

SL_TEST(snapshot_stacks, bpf_stops_no_thread_for_want_of_a_register, .timeout = 120)
{
    static const char *const subjects[] = {SL_LAYOUTS "odd_places"};

    for (size_t s = 0; s < SL_COUNT_OF(subjects); s++) {
        struct sl_test_subject subject = sl_subject(subjects[s]);
        await_rest(subject.pid, true);
        uint64_t before = count_switches(subject.pid);
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_bpf(subject.pid);
        for (size_t i = 0; snapshot && i < snapshot->n_threads; i++) {
            const struct sl_thread *thread = &snapshot->threads[i];
            cr_assert(thread->source == SL_SOURCE_BPF && thread->consistent);
            cr_assert(thread->stack && thread->stack->complete, "%s: %s: %s", subjects[s],
                      thread->name, thread->stack ? thread->stack->reason : thread->reason);
        }
        cr_assert(!snapshot || snapshot->stats.stopped == 0);
        cr_assert_eq(count_switches(subject.pid), before);
        cr_assert_eq(sl_subject_end(&subject), 0, "%s: a call returned", subjects[s]);
        if (!snapshot)
            cr_skip_test("the bpf source is not permitted");
    }
}

static void check_sources_agree(const char *name)
{
    const char *const argv[] = {name, NULL};
    const struct sl_snapshot_opts stop = {
        .size = sizeof stop, .source = SL_SNAPSHOT_PTRACE, .allow_stop = true};
    struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *proc = take(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *bpf = take_bpf(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *ptrace = take_with(subject.pid, &stop);
    for (size_t i = 0; i < proc->n_threads; i++) {
        const struct sl_thread *thread = &proc->threads[i];
        const struct sl_thread *others[] = {bpf ? &bpf->threads[i] : thread, &ptrace->threads[i]};
        for (size_t k = 0; k < SL_COUNT_OF(others); k++) {
            cr_assert_eq(thread->id, others[k]->id);
            cr_assert_eq(thread->start_time, others[k]->start_time);
            cr_assert_str_eq(thread->name, others[k]->name);
            cr_assert_eq(thread->wait.kind, others[k]->wait.kind, "%s", thread->name);
            cr_assert_eq(thread->stack->n_frames, others[k]->stack->n_frames, "%s", thread->name);
            for (size_t f = 0; f < thread->stack->n_frames; f++)
                cr_assert_eq(thread->stack->frames[f].address, others[k]->stack->frames[f].address);
        }
        if (bpf) {
            cr_assert_eq(thread->switches, bpf->threads[i].switches, "%s", thread->name);
            cr_assert_eq(thread->cpu_ns, bpf->threads[i].cpu_ns, "%s", thread->name);
            cr_assert_eq(thread->state, bpf->threads[i].state, "%s", thread->name);
        }
    }
    (void) sl_subject_end(&subject); /* stopping was allowed to break calls */
}

/* Every frame lies in one module of the table, the one that it names. */
static void check_modules(const struct sl_snapshot *snapshot, const struct sl_stack *stack)
{
    for (size_t i = 0; i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        size_t n = 0;
        for (size_t k = 0; k < snapshot->n_modules; k++) {
            const struct sl_snapshot_module *module = &snapshot->modules[k];
            if (frame->address < module->start || frame->address >= module->end)
                continue;
            n++;
            cr_assert_str_eq(module->path, frame->module);
            cr_assert(module->build_id && strcmp(module->build_id, frame->build_id) == 0);
        }
        cr_assert_eq(n, 1, "%s is in %zu modules", frame->function, n);
    }
}

/* Threads whose stacks differ in nothing but which plug-in they lead through. */
static void check_plugins(const struct sl_snapshot *snapshot, const char *pages)
{
    static const char *const plugins[] = {"audio", "video", "bills"};

    for (size_t i = 0; i < SL_COUNT_OF(plugins); i++) {
        const struct sl_thread *thread = thread_named(snapshot, plugins[i]);
        char work[32];
        const char *const through[] = {"wait_for_ever", work, "run", NULL};
        (void) snprintf(work, sizeof work, "work_in_%s", plugins[i]);
        cr_assert(thread && thread->stack && thread->stack->complete, "%s, %s pages", plugins[i],
                  pages);
        cr_assert(has_functions(thread->stack, through), "%s, %s pages", plugins[i], pages);
        check_modules(snapshot, thread->stack);
        for (size_t k = 0; k < SL_COUNT_OF(plugins); k++) {
            (void) snprintf(work, sizeof work, "work_in_%s", plugins[k]);
            cr_assert_eq(count_function(thread->stack, work), i == k, "%s is in %s, %s pages",
                         plugins[i], plugins[k], pages);
        }
    }
}

SL_TEST(snapshot_stacks, plugins_beside_the_stacks_of_their_threads_are_told_apart, .timeout = 120)
{
    static const char *const distances[] = {"0", "1", "3", "16", "100", "-0", "-1", "-16", "-100"};
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_BPF, SL_SNAPSHOT_PROC,
                                                      SL_SNAPSHOT_PTRACE};
    char arguments[3][512];
    static const char *const names[] = {"audio", "video", "bills"};

    for (size_t i = 0; i < SL_COUNT_OF(names); i++)
        (void) snprintf(arguments[i], sizeof arguments[i], "%s=%s/plugin_%s.so", names[i],
                        SL_SUBJECTS_DIR, names[i]);
    for (size_t d = 0; d < SL_COUNT_OF(distances); d++) {
        SL_AUTO_SUBJECT struct sl_test_subject subject =
            sl_subject("plugin_host", distances[d], arguments[0], arguments[1], arguments[2]);
        await_sleep(subject.pid);
        for (size_t s = 0; s < SL_COUNT_OF(sources); s++) {
            const struct sl_snapshot_opts opts = {
                .size = sizeof opts, .source = sources[s], .allow_stop = true};
            SL_AUTO(sl_snapshot)
            struct sl_snapshot *snapshot = sources[s] == SL_SNAPSHOT_BPF
                                               ? take_bpf(subject.pid)
                                               : take_with(subject.pid, &opts);
            if (snapshot)
                check_plugins(snapshot, distances[d]);
        }
    }
}

/* The functions of the program are gone through by frame pointers, and nothing else is. */
static void check_by_frame_pointers(const struct sl_thread *thread)
{
    const struct sl_stack *stack = thread->stack;
    static const char *const names[] = {"park", "level", "worker", NULL};
    size_t n_marked = 0;

    cr_assert(stack && !stack->complete && stack->grade == SL_GRADE_FRAME_POINTERS, "%s",
              stack ? stack->reason : thread->reason);
    cr_assert(strstr(stack->reason, "frame pointers"));
    cr_assert(has_functions(stack, names));
    for (size_t i = 0; i < stack->n_frames; i++)
        n_marked += stack->frames[i].by_frame_pointers;
    /* Each is found by the frame inside it, which lies in the program. */
    cr_assert_eq(n_marked, count_function(stack, "level") + 2);
    cr_assert(stack->frames[stack->n_frames - 1].module);
    cr_assert_not(stack->frames[stack->n_frames - 1].by_frame_pointers);
}

SL_TEST(snapshot_stacks, code_without_tables_is_left_by_frame_pointers_and_marked, .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("parked_no_tables", "60", "3");
    const struct sl_snapshot_opts automatic = {.size = sizeof automatic};

    await_sleep(subject.pid);
    /* Few threads are read from files first, which is not the last word on them. */
    SL_AUTO(sl_snapshot) struct sl_snapshot *unasked = take_with(subject.pid, &automatic);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_bpf(subject.pid);
    if (!snapshot) {
        (void) sl_subject_end(&subject);
        cr_skip_test("the bpf source is not permitted, and no other knows rbp of these threads");
    }
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (snapshot->threads[i].id != (uint64_t) subject.pid)
            check_by_frame_pointers(&snapshot->threads[i]);
    for (size_t i = 0; i < unasked->n_threads; i++)
        if (unasked->threads[i].id != (uint64_t) subject.pid)
            check_by_frame_pointers(&unasked->threads[i]);
    cr_assert_eq(unasked->stats.stopped, 0);
    cr_assert_eq(snapshot->stats.stopped, 0);
    cr_assert_leq(snapshot->stats.unwound, 4);
    cr_assert_eq(sl_subject_end(&subject), 0);
}

SL_TEST(snapshot_stacks, no_thread_is_stopped_for_its_frame_pointer, .timeout = 60)
{
    const char *const argv[] = {"parked_no_tables", "5", "2", NULL};
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .allow_stop = true};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_eq(snapshot->stats.stopped, 0);
    for (size_t i = 0; i < snapshot->n_threads; i++)
        cr_assert(snapshot->threads[i].stack && !snapshot->threads[i].stack->complete);
}

SL_TEST(snapshot_stacks, all_sources_agree, .timeout = 120)
{
    check_sources_agree("blocked_calls");
    for (size_t s = 0; layouts[s]; s++) /* rbp is read by the others, and proved by proc */
        if (strstr(layouts[s], "O0") || strstr(layouts[s], "frame_pointer"))
            check_sources_agree(layouts[s]);
}

SL_TEST(snapshot_stacks, code_that_is_no_longer_its_files_has_names_and_tables, .timeout = 60)
{
    static const char *const ways[] = {"kept", "anonymous", "part", "memfd"};
    static const char *const in_program[] = {"wait_in_program", "main", NULL};
    static const char *const in_library[] = {"wait_for_ever", "call_through_library", "run", NULL};

    for (size_t i = 0; i < SL_COUNT_OF(ways); i++) {
        const char *const argv[] = {"moved_code", ways[i], SL_SUBJECTS_DIR "/unloaded_small.so",
                                    NULL};
        SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);
        await_sleep(subject.pid);
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
        cr_assert_eq(snapshot->n_threads, 2);
        for (size_t k = 0; k < snapshot->n_threads; k++) {
            const struct sl_stack *stack = snapshot->threads[k].stack;
            bool is_main = snapshot->threads[k].id == (uint64_t) subject.pid;
            /* The content of another file can be told from code only by who may open it. */
            if (geteuid() != 0 && strcmp(ways[i], "memfd") == 0 && stack && !stack->complete &&
                stack->reason)
                continue;
            cr_assert(stack && stack->complete, "%s: %s", ways[i], stack ? stack->reason : "?");
            cr_assert(has_functions(stack, is_main ? in_program : in_library), "%s", ways[i]);
        }
    }
}
