/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_test.h"

static void assert_named(const char *raw, const char *name)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    cr_assert_str_eq(sl_symbol_name(arena, raw), name, "%s", raw);
}

SL_TEST(symbol_name, names_of_c_are_as_they_are)
{
    assert_named("queue_take", "queue_take");
    assert_named("_Rb_tree", "_Rb_tree");
    assert_named("_Znope", "_Znope");
    assert_named("go.shape.int", "go.shape.int");
    assert_named("main.(*Pool).run", "main.(*Pool).run");
    assert_named("", "");
}

SL_TEST(symbol_name, names_of_cxx_are_spelt_out)
{
    assert_named("_ZN3app4Pool4waitEv", "app::Pool::wait()");
    assert_named("_ZNSt6thread4joinEv", "std::thread::join()");
    assert_named("_ZN3app4takeIiEEvT_", "void app::take<int>(int)");
}

SL_TEST(symbol_name, names_of_rust_are_spelt_out_without_hashes)
{
    assert_named("_ZN5names4Pool4wait17h0123456789abcdefE", "names::Pool::wait");
    assert_named("_ZN4core3ops8function6FnOnce40call_once$u7b$$u7b$vtable.shim$u7d$$u7d$"
                 "17h45ceaea382b71978E",
                 "core::ops::function::FnOnce::call_once{{vtable.shim}}");
    assert_named("_RNvNtNtCsjrHSEGnQ3l9_3std6thread9functions4park",
                 "std::thread::functions::park");
    assert_named("_RNvNtNtCsjrHSEGnQ3l9_3std6thread9functions4park.llvm.12345",
                 "std::thread::functions::park");
}

SL_TEST(symbol_name, what_compilers_and_linkers_append_is_cut_at_the_end_only)
{
    assert_named("take.part.0", "take");
    assert_named("take.constprop.1.isra.0", "take");
    assert_named("take.cold", "take");
    assert_named("take@@VERS_1.0", "take");
    assert_named("take.llvm.77", "take");
    assert_named("_ZN3app4Pool4waitEv.part.0", "app::Pool::wait()");
    assert_named("_ZN3app4Pool4waitEv.cold", "app::Pool::wait()");
    assert_named("take.cold.store", "take.cold.store");
    assert_named("lib.part.x", "lib.part.x");
}

/* f(A<int, int>, A<the one before, the one before>, ...): some hundred bytes for gigabytes. */
SL_TEST(symbol_name, a_name_that_doubles_with_every_part_stays_mangled, .timeout = 60)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char raw[1024] = "_Z1f1AIiiE";
    size_t size = strlen(raw);

    assert_named(raw, "f(A<int, int>)");
    for (size_t i = 0; i + 1 < sizeof digits; i++)
        size +=
            (size_t) snprintf(raw + size, sizeof raw - size, "S_IS%c_S%c_E", digits[i], digits[i]);
    assert_named(raw, raw);
}

/* f(A<A<A<int, int>, the one before>, the one before>...): walked before anything is written. */
SL_TEST(symbol_name, a_pack_that_doubles_with_every_part_stays_mangled, .timeout = 60)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const size_t depth = 34;
    char raw[1024] = "_Z1fIJiEEvDp";
    size_t size = strlen(raw);

    for (size_t i = 0; i < depth; i++)
        size += (size_t) snprintf(raw + size, sizeof raw - size, "1AI");
    size += (size_t) snprintf(raw + size, sizeof raw - size, "iiE");
    for (size_t i = depth; i < 2 * depth - 1; i++) {
        if (i < 36)
            size += (size_t) snprintf(raw + size, sizeof raw - size, "S%c_E", digits[i]);
        else
            size += (size_t) snprintf(raw + size, sizeof raw - size, "S1%c_E", digits[i - 36]);
    }
    assert_named(raw, raw);
    assert_named("_Z1fIJiEEvDp1AI1AIiiES2_E", "void f<int>((A<A<int, int>, A<int, int> >)...)");
    assert_named("_Z4makeIJiiEEvDpOT_", "void make<int, int>(int&&, int&&)");
}

SL_TEST(symbol_name, nesting_without_end_stays_mangled)
{
    static char raw[4000];
    memcpy(raw, "_Z1f", 4);
    memset(raw + 4, 'P', sizeof raw - 6);
    raw[sizeof raw - 2] = 'i';
    assert_named(raw, raw);
    memcpy(raw, "_RNv", 4);
    assert_named(raw, raw);
}

SL_TEST(symbol_name, very_long_symbols_are_cut_and_told_apart)
{
    static char one[100000], two[100000];
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();

    memset(one, 'x', sizeof one - 1);
    memset(two, 'x', sizeof two - 1);
    two[sizeof two - 2] = 'y';
    const char *first = sl_symbol_name(arena, one), *second = sl_symbol_name(arena, two);
    cr_assert_lt(strlen(first), 20000);
    cr_assert_str_neq(first, second);
    cr_assert_str_eq(first, sl_symbol_name(arena, one));
}

SL_TEST(symbol_name, what_is_spelt_out_is_cut_at_4_kib_as_well)
{
    char raw[1000];
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();

    (void) snprintf(raw, sizeof raw, "_Z1f501x%0500dS_S_S_S_S_S_S_S_S_S_", 0);
    const char *name = sl_symbol_name(arena, raw);
    cr_assert_eq(strlen(name), 4096 + strlen("...#0123456789abcdef"));
    cr_assert_eq(strncmp(name, "f(x000", 6), 0, "%.20s", name);
}
