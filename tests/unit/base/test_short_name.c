/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/short_name.h"
#include "base/utf8.h"

#define MEGABYTE 1000000

struct named {
    const char *name, *expected; /* NULL: as it is */
};

static void assert_names(const struct named *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char buffer[SL_SHORT_NAME_MAX];
        const char *expected = names[i].expected ? names[i].expected : names[i].name;
        cr_assert_str_eq(sl_short_name(names[i].name, buffer), expected);
    }
}

#define LONG "std::map<std::string, std::vector<app::Message> >, std::allocator<app::Message>"

SL_TEST(short_name, cxx_loses_template_arguments_then_parameters)
{
    static const struct named names[] = {
        {"app::Pool<int>::wait(int)", NULL},
        {"app::Pool<" LONG ">::wait(int)", "app::Pool<...>::wait(int)"},
        {"app::wait(" LONG ")", "app::wait(std::map<...>, std::allocator<...>)"},
        {"app::wait(" LONG ", " LONG ", " LONG ")", "app::wait(...)"},
        {"boost::asio::detail::completion_handler<boost::asio::detail::binder0<app::Session>, "
         "boost::asio::io_context::basic_executor_type<std::allocator<void>, 0ul> >::do_complete("
         "void*, boost::asio::detail::scheduler_operation*, boost::system::error_code const&, "
         "unsigned long)",
         "boost::asio::detail::completion_handler<...>::do_complete(...)"},
        {"void base::internal::Invoker<base::internal::BindState<void (net::(anonymous "
         "namespace)::Resolver::*)(int), base::WeakPtr<net::Resolver> >, void ()>::RunOnce("
         "base::internal::BindStateBase*)",
         "void base::internal::Invoker<...>::RunOnce(base::internal::BindStateBase*)"},
        {"(anonymous namespace)::BackgroundWorkersOfTheCompositor::Run(std::unique_ptr<" LONG
         ">, int)",
         "(anonymous namespace)::BackgroundWorkersOfTheCompositor::Run(...)"},
        {"app::start(std::vector<" LONG ">)::{lambda(std::thread&)#1}::operator()(std::thread&) "
         "const",
         "app::start(...)::{lambda(...)#1}::operator()(...) const"},
    };
    assert_names(names, SL_COUNT_OF(names));
}

SL_TEST(short_name, signs_of_operators_are_no_brackets)
{
    static const struct named names[] = {
        {"app::Pool<" LONG ">::operator<(int)", "app::Pool<...>::operator<(int)"},
        {"app::Pool<" LONG ">::operator<<(int)", "app::Pool<...>::operator<<(int)"},
        {"app::Pool<" LONG ">::operator<=>(int)", "app::Pool<...>::operator<=>(int)"},
        {"app::Pool<" LONG ">::operator->()", "app::Pool<...>::operator->()"},
        {"app::Pool<" LONG ">::operator->*(int)", "app::Pool<...>::operator->*(int)"},
        {"app::Pool<" LONG ">::operator()(int)", "app::Pool<...>::operator()(int)"},
        /* Behind a space it could be a type of Rust's, of which only what is inside goes first. */
        {"bool app::operator< <" LONG ">(int)",
         "bool app::operator< <std::map<...>, std::allocator<...>>(int)"},
        {"app::operator<< <" LONG ">::x(" LONG ")",
         "app::operator<< <std::map<...>, std::allocator<...>>::x(...)"},
        {"app::If<(4 > 2), (2 < 4), " LONG ">::run()", "app::If<...>::run()"},
        {"app::cooperator<" LONG ">::run()", "app::cooperator<...>::run()"},
    };
    assert_names(names, SL_COUNT_OF(names));
}

SL_TEST(short_name, rust_keeps_the_type_that_a_method_is_of_as_long_as_it_fits)
{
    static const struct named names[] = {
        {"<app::Pool<" LONG ">>::wait", "<app::Pool<...>>::wait"},
        {"<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once", NULL},
        {"<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once::"
         "h0123456789abcdef",
         "<...>::call_once::h0123456789abcdef"},
        {"std::sys::backtrace::__rust_begin_short_backtrace::<app::start::{closure#0}, "
         "core::result::Result<(), std::io::error::Error>>",
         "std::sys::backtrace::__rust_begin_short_backtrace::<...>"},
        {"<core::panic::unwind_safe::AssertUnwindSafe<std::thread::spawn::{closure#1}> as "
         "core::ops::function::FnOnce<()>>::call_once",
         "<...>::call_once"},
    };
    assert_names(names, SL_COUNT_OF(names));
}

SL_TEST(short_name, go_keeps_its_receivers_and_c_its_names)
{
    static const struct named names[] = {
        {"main.(*Pool).run", NULL},
        {"pthread_cond_timedwait@@GLIBC_2.3.2", NULL},
        {"acme.example/app/internal/workers.(*Connections[go.shape.struct { Name string; Size "
         "int }]).run",
         "acme.example/app/internal/workers.(*Connections[...]).run"},
        {"acme.example/app.(*Pool).run(" LONG ", " LONG ", " LONG ")",
         "acme.example/app.(*Pool).run(...)"},
    };
    assert_names(names, SL_COUNT_OF(names));
}

SL_TEST(short_name, what_does_not_fit_at_all_keeps_its_beginning_and_closes_its_brackets)
{
    char name[201], expected[SL_SHORT_NAME_COLUMNS + 1], buffer[SL_SHORT_NAME_MAX];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(expected, 'x', sizeof expected);
    (void) strcpy(expected + SL_SHORT_NAME_COLUMNS - 3, "...");
    cr_assert_str_eq(sl_short_name(name, buffer), expected);
    name[0] = expected[0] = '{';
    name[sizeof name - 2] = '}';
    (void) strcpy(expected + SL_SHORT_NAME_COLUMNS - 4, "...}");
    cr_assert_str_eq(sl_short_name(name, buffer), expected);
}

static bool is_balanced(const char *text)
{
    char open[4096];
    size_t n = 0;

    for (; *text; text++) {
        const char *pair = strchr("<>()[]{}", *text);
        if (!pair)
            continue;
        if (strchr("<([{", *text))
            open[n++] = pair[1];
        else if (!n || open[--n] != *text)
            return false;
    }
    return n == 0;
}

/* What holds for any name. */
static void assert_bounded(const char *name)
{
    char buffer[SL_SHORT_NAME_MAX], again[SL_SHORT_NAME_MAX];
    const char *text = sl_short_name(name, buffer);

    cr_assert_leq(sl_utf8_print(text, NULL), SL_SHORT_NAME_COLUMNS);
    cr_assert_leq(strlen(text), strlen(name));
    cr_assert_eq(sl_short_name(text, again), text);
}

/* Random words and brackets, each of which is closed.  @return where they end */
static char *write_random(char *at, const char *end, unsigned depth)
{
    static const char *const words[] = {"app", "::", ", ", "wait", "...", " ", "\xc3\xa9", "*"};
    static const char pairs[] = "<>()[]{}";

    for (int n = rand() % 8; n && end - at > 128; n--) {
        const char *word = words[(size_t) rand() % SL_COUNT_OF(words)];
        at = stpcpy(at, word);
        if (depth == 0 || rand() % 2)
            continue;
        const char *pair = pairs + 2 * (rand() % 4);
        *at++ = pair[0];
        at = write_random(at, end, depth - 1);
        *at++ = pair[1];
    }
    *at = '\0';
    return at;
}

SL_TEST(short_name, what_is_balanced_stays_balanced)
{
    char name[2048], buffer[SL_SHORT_NAME_MAX];
    size_t n_shortened = 0;

    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        (void) write_random(name, name + sizeof name, 10);
        cr_assert(is_balanced(name));
        assert_bounded(name);
        const char *text = sl_short_name(name, buffer);
        cr_assert(is_balanced(text), "%s becomes %s", name, text);
        n_shortened += text != name;
    }
    cr_assert_gt(n_shortened, 1000);
}

SL_TEST(short_name, brackets_in_any_order_take_no_more_than_a_line)
{
    static const char signs[] = "<>()[]{}<>-. aoperator\xc3\xa9\x80\x1b";
    char name[512];

    srand(2);
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = (size_t) rand() % sizeof name;
        for (size_t j = 0; j < n; j++)
            name[j] = signs[(size_t) rand() % (sizeof signs - 1)];
        name[n] = '\0';
        assert_bounded(name);
    }
}

SL_TEST(short_name, a_symbol_of_megabytes_takes_no_more_than_a_line)
{
    static const char *const patterns[] = {"x",   "<",   ">",    "(",         "<(",
                                           "<x>", "(<)", "\x80", "operator<", "\xf0\x9f\x98\x80"};
    static char name[MEGABYTE + 16];

    for (size_t i = 0; i < SL_COUNT_OF(patterns); i++) {
        char *at = name;
        while (at < name + MEGABYTE)
            at = stpcpy(at, patterns[i]);
        assert_bounded(name);
    }
}
