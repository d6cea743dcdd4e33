/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/plumbing.h"

#include <string.h>

#include "sl_test.h"

static void assert_qualified(const char *function, const char *start, bool has_parameters)
{
    bool parameters;
    const char *name = plumbing_qualified_name(function, &parameters);
    cr_assert_eq(strncmp(name, start, strlen(start)), 0, "%s: %s", function, name);
    cr_assert_eq(parameters, has_parameters, "%s", function);
}

static bool is_plumbing(const char *module, const char *function)
{
    return plumbing_has(&(struct sl_frame){.module = module, .function = function});
}

SL_TEST(leak_plumbing, the_qualified_name_stands_behind_what_a_template_returns)
{
    assert_qualified("app::Pool::wait()", "app::Pool::wait()", true);
    assert_qualified("void app::take<int>(int)", "app::take", true);
    assert_qualified("std::vector<int, std::allocator<int> > app::all<int>()", "app::all", true);
    assert_qualified("(anonymous namespace)::run(void*)", "(anonymous namespace)::run", true);
    assert_qualified("app::(anonymous namespace)::run(void*)", "app::", true);
    assert_qualified("decltype (f(1)) app::call<int>(int)", "app::call", true);
    assert_qualified("app::operator<<(std::ostream&, int)", "app::operator<<", true);
    assert_qualified("app::Job::operator()() const", "app::Job::operator()", true);
    assert_qualified("app::Node::operator->() const", "app::Node::operator->", true);
    assert_qualified("app::Flag::operator bool() const", "app::Flag::operator bool", true);
    assert_qualified("names::wait_for_turn", "names::wait_for_turn", false);
    assert_qualified("queue_take", "queue_take", false);
    assert_qualified("", "", false);
}

SL_TEST(leak_plumbing, cxx_is_known_by_its_name_space_and_not_by_what_it_is_given)
{
    cr_assert(is_plumbing("app", "std::thread::join()"));
    cr_assert(is_plumbing("app", "std::condition_variable::wait(std::unique_lock<std::mutex>&)"));
    cr_assert(is_plumbing("app", "void std::__invoke_impl<void, void (*)()>(std::__invoke_other, "
                                 "void (*&&)())"));
    cr_assert_not(is_plumbing("app", "void app::take<std::thread>(std::thread)"));
    cr_assert_not(is_plumbing("app", "app::stdlib::wait(std::mutex&)"));
    cr_assert_not(is_plumbing("app", "app::Pool<std::thread>::wait()"));
}

SL_TEST(leak_plumbing, rust_is_known_by_its_crate)
{
    cr_assert(plumbing_is_rust_std("std::thread::functions::park"));
    cr_assert(plumbing_is_rust_std("core::ops::function::FnOnce::call_once{{vtable.shim}}"));
    cr_assert(plumbing_is_rust_std("<alloc::boxed::Box<F> as core::ops::FnOnce<A>>::call_once"));
    cr_assert_not(plumbing_is_rust_std("names::wait_for_turn"));
    cr_assert_not(plumbing_is_rust_std("<names::Pool<std::thread::Thread>>::wait_for_work"));
    cr_assert_not(plumbing_is_rust_std("stdx::wait"));
    cr_assert_not(plumbing_is_rust_std("std::thread::join()")); /* C++ has parameters */
    cr_assert_not(plumbing_is_rust_std("park"));
    cr_assert_not(plumbing_is_rust_std(NULL));
}

SL_TEST(leak_plumbing, libraries_are_known_by_module_and_function)
{
    cr_assert(is_plumbing("/usr/lib/libglib-2.0.so.0", "g_cond_wait"));
    cr_assert(is_plumbing("/usr/lib/libgomp.so.1", NULL));
    cr_assert_not(is_plumbing("/usr/bin/app", "g_cond_wait"));
    cr_assert_not(is_plumbing("/usr/lib/libglib-2.0.so.0", "g_socket_receive"));
    cr_assert(is_plumbing("/usr/bin/app", "runtime.gopark"));
    cr_assert_not(is_plumbing("/usr/bin/app", "main.(*Pool).run"));
    cr_assert_not(is_plumbing("/usr/bin/app", NULL));
}
