/* SPDX-License-Identifier: Apache-2.0 */
/* Unwind tables: what a record says, and what is refused.  Real ones are those of libc. */
#include "sl_test.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/module/bytes.h"
#include "harness/snapshot/unwind/cfi.h"

#define BASE     UINT64_C(0x10000)
#define CODE     UINT64_C(0x20000)
#define CAPACITY 4096

struct table {
    uint8_t *data;
    size_t size;
    uint64_t base;
};

static bool read_table(void *context, uint64_t address, void *data, size_t size)
{
    const struct table *table = context;
    if (address < table->base || address - table->base > table->size ||
        size > table->size - (address - table->base))
        return false;
    memcpy(data, table->data + (address - table->base), size);
    return true;
}

static struct sl_cfi_section section_of(struct table *table)
{
    return (struct sl_cfi_section){.read = read_table,
                                   .context = table,
                                   .start = table->base,
                                   .end = table->base + table->size};
}

/*
 * A CIE with the usual rules of x86-64 and an FDE for [CODE, CODE + 0x40) with the
 * given instructions.
 */
static struct table make_table(const uint8_t *program, size_t size)
{
    static const uint8_t cie[] = {
        20, 0, 0,    0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 4, /* absolute, 8 bytes */ 0x0c,
        7,  8, 0x90, 1, 0, 0,
    };
    uint8_t *data = calloc(1, 512);
    uint32_t length = (uint32_t) (4 + 8 + 8 + 1 + size), to_cie = sizeof cie + 4;
    uint64_t code = CODE, code_size = 0x40;
    uint8_t *at = data;

    cr_assert(data);
    memcpy(at, cie, sizeof cie), at += sizeof cie;
    data[0] = sizeof cie - 4;
    memcpy(at, &length, 4), at += 4;
    memcpy(at, &to_cie, 4), at += 4;
    memcpy(at, &code, 8), at += 8;
    memcpy(at, &code_size, 8), at += 8;
    *at++ = 0;
    memcpy(at, program, size), at += size;
    return (struct table){.data = data, .size = (size_t) (at - data), .base = BASE};
}

#define FDE (BASE + 24)

static bool rewrite(struct table *table, uint64_t pc, struct sl_cfi *ret_cfi)
{
    struct sl_cfi_section section = section_of(table);
    uint8_t record[CAPACITY];
    size_t size;
    return sl_cfi_rewrite(&section, FDE, pc, record, sizeof record, &size, ret_cfi);
}

static bool accepts(const uint8_t *program, size_t size, struct sl_cfi *ret_cfi)
{
    struct table table = make_table(program, size);
    bool ok = rewrite(&table, CODE + 0x20, ret_cfi);
    free(table.data);
    return ok;
}

SL_TEST(cfi, an_ordinary_record_is_relocatable_and_not_outermost)
{
    /* advance 1; CFA offset 16; rbp saved at CFA-16; advance 3; CFA register rbp */
    const uint8_t program[] = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6};
    struct sl_cfi cfi;
    cr_assert(accepts(program, sizeof program, &cfi));
    cr_assert(cfi.start == CODE && cfi.end == CODE + 0x40);
    cr_assert(cfi.relocatable && !cfi.outermost && !cfi.signal_frame);
}

SL_TEST(cfi, what_is_rewritten_is_a_table_of_one_record_that_says_the_same_again)
{
    const uint8_t program[] = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6};
    struct table table = make_table(program, sizeof program);
    struct sl_cfi_section section = section_of(&table);
    uint8_t record[CAPACITY], again[CAPACITY];
    size_t size, size_again;
    struct sl_cfi cfi;
    struct sl_cfi_range range = {.next = 0};
    uint32_t fde_at;

    cr_assert(sl_cfi_rewrite(&section, FDE, CODE + 0x20, record, sizeof record, &size, &cfi));
    free(table.data);
    memcpy(&fde_at, record + 4, sizeof fde_at);
    struct table made = {.data = record, .size = size, .base = BASE};
    struct sl_cfi_section rewritten = section_of(&made);
    cr_assert_eq(sl_cfi_scan(&rewritten, BASE + SL_CFI_TABLE_SIZE, &range), SL_CFI_CIE);
    cr_assert_eq(range.next, BASE + fde_at);
    cr_assert_eq(sl_cfi_scan(&rewritten, BASE + fde_at, &range), SL_CFI_FDE);
    cr_assert(range.start == CODE && range.end == CODE + 0x40 && range.next == BASE + size);
    cr_assert(sl_cfi_rewrite(&rewritten, BASE + fde_at, CODE + 0x20, again, sizeof again,
                             &size_again, &cfi));
    cr_assert_eq(size_again, size);
    cr_assert_eq(memcmp(again, record, size), 0);
}

SL_TEST(cfi, records_of_64_bit_dwarf_are_found_one_behind_the_other)
{
    struct __attribute__((packed)) {
        uint32_t escape;
        uint64_t length, id;
        uint8_t rest[17];
        uint32_t fde_escape;
        uint64_t fde_length, cie, code, code_size;
        uint8_t fde_rest[1];
    } wide = {UINT32_MAX, 8 + sizeof wide.rest,
              UINT64_MAX, {1, 'z', 'R', 0, 1, 0x78, 16, 1, 4, 0x0c, 7, 8, 0x90, 1},
              UINT32_MAX, 8 + 8 + 8 + sizeof wide.fde_rest,
              0,          CODE,
              0x40,       {0}};
    struct table table = {.data = (uint8_t *) &wide, .size = sizeof wide, .base = BASE};
    struct sl_cfi_section section = section_of(&table);
    struct sl_cfi_range range = {.next = 0};

    section.debug_frame = true;
    cr_assert_eq(sl_cfi_scan(&section, BASE, &range), SL_CFI_CIE);
    cr_assert_eq(range.next, BASE + offsetof(__typeof__(wide), fde_escape));
    cr_assert_eq(sl_cfi_scan(&section, range.next, &range), SL_CFI_FDE);
    cr_assert(range.start == CODE && range.end == CODE + 0x40 && range.next == section.end);
}

SL_TEST(cfi, pointers_have_nine_formats)
{
    static const uint8_t two[] = {0xfe, 0x7f}, all[] = {0xfe, 255, 255, 255, 255, 255, 255, 255};
    static const struct {
        uint8_t encoding;
        const uint8_t *data;
        size_t size;
        uint64_t value;
    } cases[] = {
        {0x00, all, 8, (uint64_t) -2}, {0x01, two, 2, 0x3ffe},        {0x02, all, 2, 0xfffe},
        {0x03, all, 4, 0xfffffffe},    {0x04, all, 8, (uint64_t) -2}, {0x09, two, 2, (uint64_t) -2},
        {0x0a, all, 2, (uint64_t) -2}, {0x0b, all, 4, (uint64_t) -2}, {0x0c, all, 8, (uint64_t) -2},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_bytes bytes = {.at = cases[i].data, .end = cases[i].data + cases[i].size};
        uint64_t value = 0;
        cr_assert(sl_cfi_pointer(&bytes, cases[i].encoding, 0, 0, &value), "%zu", i);
        cr_assert(bytes.at == bytes.end && value == cases[i].value, "%zu: %lx", i, (long) value);
    }
}

SL_TEST(cfi, an_undefined_return_address_marks_the_outermost_frame)
{
    const uint8_t program[] = {0x07, 16};
    struct sl_cfi cfi;
    cr_assert(accepts(program, sizeof program, &cfi));
    cr_assert(cfi.outermost);
}

SL_TEST(cfi, only_rules_up_to_the_address_count)
{
    /* from CODE + 0x30 on the return address is undefined */
    const uint8_t program[] = {0x70, 0x07, 16};
    struct table table = make_table(program, sizeof program);
    struct sl_cfi cfi;
    cr_assert(rewrite(&table, CODE + 0x2f, &cfi) && !cfi.outermost);
    cr_assert(rewrite(&table, CODE + 0x30, &cfi) && cfi.outermost);
    free(table.data);
}

SL_TEST(cfi, remembered_states_come_back)
{
    /* remember; undefined; advance 16; restore state */
    const uint8_t program[] = {0x0a, 0x07, 16, 0x50, 0x0b};
    struct table table = make_table(program, sizeof program);
    struct sl_cfi cfi;
    cr_assert(rewrite(&table, CODE + 0x0f, &cfi) && cfi.outermost);
    cr_assert(rewrite(&table, CODE + 0x10, &cfi) && !cfi.outermost);
    free(table.data);
}

SL_TEST(cfi, code_outside_the_record_is_refused)
{
    struct table table = make_table((const uint8_t[]){0}, 1);
    struct sl_cfi cfi;
    cr_assert_not(rewrite(&table, CODE - 1, &cfi));
    cr_assert_not(rewrite(&table, CODE + 0x40, &cfi));
    free(table.data);
}

SL_TEST(cfi, arithmetic_on_addresses_is_not_relocatable)
{
    /* CFA = (rsp + 8) & -16: the same stack elsewhere may be aligned otherwise */
    const uint8_t program[] = {0x0f, 5, 0x77, 8, 0x09, 0xf0, 0x1a};
    struct sl_cfi cfi;
    cr_assert(accepts(program, sizeof program, &cfi));
    cr_assert_not(cfi.relocatable);
}

SL_TEST(cfi, what_counts_from_the_program_counter_is_not_relocatable)
{
    static const struct {
        const char *what;
        uint8_t program[8];
        size_t size;
    } cases[] = {
        {"CFA = rip + 8", {0x0c, 16, 8}, 3},
        {"CFA counts from rip", {0x0d, 16}, 2},
        {"CFA = *(rip + 8)", {0x0f, 3, 0x80, 8, 0x06}, 5},
        {"rbp is in rip", {0x09, 6, 16}, 3},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_cfi cfi;
        cr_assert(accepts(cases[i].program, cases[i].size, &cfi), "%s", cases[i].what);
        cr_assert_not(cfi.relocatable, "%s", cases[i].what);
    }
}

SL_TEST(cfi, only_a_return_address_in_memory_is_relocatable)
{
    static const struct {
        const char *what;
        uint8_t program[8];
        size_t size;
        bool relocatable;
    } cases[] = {
        {"at CFA - 16", {0x90, 2}, 2, true},
        {"at rsp + 8", {0x10, 16, 2, 0x77, 8}, 5, true},
        {"CFA - 16 itself", {0x14, 16, 2}, 3, false},
        {"rsp + 8 itself", {0x16, 16, 2, 0x77, 8}, 5, false},
        {"in rdi", {0x09, 16, 5}, 3, false},
        {"as it is", {0x08, 16}, 2, false},
        {"as it is, remembered", {0x0a, 0x08, 16, 0x0b}, 4, true},
        {"as it is, restored", {0x08, 16, 0xd0}, 3, true},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_cfi cfi;
        cr_assert(accepts(cases[i].program, cases[i].size, &cfi), "%s", cases[i].what);
        cr_assert_eq(cfi.relocatable, cases[i].relocatable, "%s", cases[i].what);
    }
}

SL_TEST(cfi, dangerous_and_malformed_instructions_are_refused)
{
    static const struct {
        const char *what;
        uint8_t program[8];
        size_t size;
    } cases[] = {
        {"unknown instruction", {0x3f}, 1},
        {"expression that jumps back", {0x0f, 3, 0x2f, 0xfd, 0xff}, 5},
        {"expression that divides", {0x0f, 3, 0x31, 0x30, 0x1b}, 5},
        {"expression of unknown operations", {0x0f, 1, 0xff}, 3},
        {"expression longer than the record", {0x0f, 100, 0x77}, 3},
        {"empty expression", {0x0f, 0}, 2},
        {"operand that never ends", {0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8},
        {"missing operand", {0x0c, 7}, 2},
        {"restore without remember", {0x0b}, 1},
        {"CFA from a vector register", {0x0d, 40}, 2},
        {"set location", {0x01, 0, 0, 0, 0, 0, 0, 0}, 8},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_cfi cfi;
        cr_assert_not(accepts(cases[i].program, cases[i].size, &cfi), "%s", cases[i].what);
    }
}

SL_TEST(cfi, rules_for_vector_registers_are_dropped)
{
    const uint8_t program[] = {0x05, 17, 4, 0x0e, 32};
    struct sl_cfi cfi;
    cr_assert(accepts(program, sizeof program, &cfi));
}

SL_TEST(cfi, a_cut_table_is_refused_at_every_length)
{
    const uint8_t program[] = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6};
    struct table table = make_table(program, sizeof program);
    size_t whole = table.size;
    struct sl_cfi cfi;
    for (table.size = 0; table.size < whole; table.size++)
        cr_assert_not(rewrite(&table, CODE + 0x20, &cfi), "%zu bytes", table.size);
    free(table.data);
}

/* .eh_frame of libc, found as the loader maps it. */
static int find_libc(struct dl_phdr_info *info, size_t size, void *context)
{
    struct table *table = context;
    (void) size;
    if (!strstr(info->dlpi_name, "libc.so"))
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_GNU_EH_FRAME) {
            int32_t offset;
            memcpy(&offset, (const void *) (start + 4), sizeof offset);
            table->base = start + 4 + (uint64_t) (int64_t) offset;
        }
    }
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && table->base >= start &&
            table->base - start < segment->p_memsz)
            table->size = segment->p_memsz - (table->base - start);
    }
    return 1;
}

SL_TEST(cfi, every_record_of_libc_is_understood)
{
    struct table table = {0};
    size_t n = 0, n_outermost = 0;

    cr_assert(dl_iterate_phdr(find_libc, &table) && table.size);
    table.data = (uint8_t *) (uintptr_t) table.base;
    struct sl_cfi_section section = section_of(&table);
    struct sl_cfi_range range;
    for (uint64_t at = table.base;; at = range.next) {
        enum sl_cfi_kind kind = sl_cfi_scan(&section, at, &range);
        cr_assert(kind != SL_CFI_MALFORMED);
        if (kind == SL_CFI_TERMINATOR)
            break;
        if (kind == SL_CFI_CIE)
            continue;
        uint8_t record[CAPACITY * 8];
        size_t size;
        struct sl_cfi cfi;
        cr_assert(sl_cfi_rewrite(&section, at, range.end - 1, record, sizeof record, &size, &cfi),
                  "record at offset %zu", (size_t) (at - table.base));
        n++;
        n_outermost += cfi.outermost;
    }
    cr_assert(n > 1000);
    cr_assert(n_outermost >= 1, "clone3 begins threads");
}

SL_TEST(cfi, mutilated_records_never_crash)
{
    enum { SIZE = 4096, ROUNDS = 20000 };
    struct table libc = {0};
    unsigned seed = 1;

    cr_assert(dl_iterate_phdr(find_libc, &libc) && libc.size > SIZE);
    struct table table = {.data = malloc(SIZE), .size = SIZE, .base = libc.base};
    for (int round = 0; round < ROUNDS; round++) {
        struct sl_cfi_section section = section_of(&table);
        struct sl_cfi_range range;
        memcpy(table.data, (const void *) (uintptr_t) libc.base, SIZE);
        for (int i = 0; i < 8; i++)
            table.data[rand_r(&seed) % SIZE] = (uint8_t) rand_r(&seed);
        for (uint64_t at = table.base; at < section.end; at = range.next) {
            enum sl_cfi_kind kind = sl_cfi_scan(&section, at, &range);
            if (kind == SL_CFI_MALFORMED || kind == SL_CFI_TERMINATOR)
                break;
            uint8_t record[CAPACITY];
            size_t size;
            struct sl_cfi cfi;
            if (kind == SL_CFI_FDE && range.end)
                (void) sl_cfi_rewrite(&section, at, range.start + (range.end - range.start) / 2,
                                      record, sizeof record, &size, &cfi);
        }
    }
    free(table.data);
}
