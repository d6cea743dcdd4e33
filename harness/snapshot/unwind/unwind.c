/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/unwind.h"

#include <string.h>

#include <libunwind.h>

#include "base/fail.h"
#include "base/grow.h"
#include "harness/snapshot/unwind/frame_pointer.h"
#include "harness/snapshot/unwind/frame_size.h"
#include "harness/snapshot/unwind/table.h"

/* Exported by libunwind for users that find tables by themselves, but declared in no header. */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *info,
                                       unw_proc_info_t *ret_proc, int need_unwind_info,
                                       void *context);
#define search_unwind_table UNW_OBJ(dwarf_search_unwind_table)

/* Where libunwind believes the rewritten record to be: no user address reaches so high. */
#define RECORD_ADDRESS  UINT64_C(0xfff0000000000000)
#define RECORD_CAPACITY ((size_t) 32 * 1024)
#define MAX_READS       4096
#define CODE_CAPACITY   ((size_t) 32 * 1024)

struct sl_unwinder {
    struct sl_modules *modules;
    unw_addr_space_t space;
    uint32_t max_frames;
    struct sl_pc *pcs;
    struct sl_read *reads;
    size_t n_reads, read_capacity;
    bool memorable;
    enum sl_unwind_end failure; /* of the step being made */
    struct sl_view *view;       /* of the thread being unwound */
    /* Of the frame that libunwind began with: the thread's, or what a frame pointer tells. */
    const struct sl_registers *registers;
    struct sl_registers found; /* but for rbp, which is read when it is asked for, at: */
    uint64_t rbp_at;
    bool by_frame_pointers; /* one of the frames so far */
    struct frame {
        uint64_t sp, pc;
        uint64_t start, end; /* of the function */
        uint64_t base;       /* its frame pointer, when that was proved from its code */
    } frame;                 /* whose caller is being looked for */
    uint8_t code[CODE_CAPACITY];
    size_t record_size;
    uint8_t record[RECORD_CAPACITY + sizeof(uint64_t)];
};

static const char *const end_texts[] = {
#define X(name, text) [SL_UNWIND_##name] = (text),
    SL_UNWIND_END_MAP(X)
#undef X
};

const char *sl_unwind_end_text(enum sl_unwind_end end)
{
    return end_texts[end];
}

static void note_read(struct sl_unwinder *unwinder, struct sl_read read)
{
    if (unwinder->n_reads == MAX_READS ||
        !sl_grow(&unwinder->reads, &unwinder->read_capacity, unwinder->n_reads + 1)) {
        unwinder->memorable = false;
        return;
    }
    unwinder->reads[unwinder->n_reads++] = read;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *ret_proc,
                          int need_unwind_info, void *context)
{
    /* One table, of one entry, that matches whatever is asked for: see sl_cfi_rewrite. */
    unw_dyn_info_t info = {.start_ip = 0,
                           .end_ip = ~(unw_word_t) 0,
                           .format = UNW_INFO_FORMAT_REMOTE_TABLE,
                           .u.rti = {.segbase = RECORD_ADDRESS,
                                     .table_data = RECORD_ADDRESS,
                                     .table_len = SL_CFI_TABLE_SIZE / sizeof(unw_word_t)}};
    memset(ret_proc, 0, sizeof *ret_proc);
    return search_unwind_table(space, ip, &info, ret_proc, need_unwind_info, context);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *proc, void *context)
{
    (void) space, (void) proc, (void) context;
}

static int no_dynamic_info(unw_addr_space_t space, unw_word_t *ret_address, void *context)
{
    (void) space, (void) ret_address, (void) context;
    return -UNW_ENOINFO;
}

static int read_record(const struct sl_unwinder *unwinder, uint64_t address, unw_word_t *ret_value)
{
    uint64_t offset = address - RECORD_ADDRESS;
    if (offset >= unwinder->record_size)
        return -UNW_EINVAL;
    memcpy(ret_value, unwinder->record + offset, sizeof *ret_value);
    return 0;
}

static bool read_stack(struct sl_unwinder *unwinder, uint64_t address, uint64_t *ret_value)
{
    struct sl_view *view = unwinder->view;

    if (!sl_view_word(view, address, ret_value)) {
        unwinder->failure =
            sl_reader_met_silence(view->reader) ? SL_UNWIND_SILENT : SL_UNWIND_NO_MEMORY;
        unwinder->memorable = false;
        return false;
    }
    note_read(unwinder, (struct sl_read){.known = true,
                                         .where = (int64_t) (address - view->sp),
                                         .value = *ret_value});
    return true;
}

static int
access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *context)
{
    struct sl_unwinder *unwinder = context;

    (void) space;
    if (write)
        return -UNW_EINVAL;
    if (address >= RECORD_ADDRESS)
        return read_record(unwinder, address, value);
    return read_stack(unwinder, address, value) ? 0 : -UNW_EINVAL;
}

/*
 * rbp, where no source has it, from the code of the function whose rule asks for it.  step()
 * checks that the rule takes it for what the code makes it: the frame pointer.
 */
static bool prove_frame_pointer(struct sl_unwinder *unwinder, uint64_t *ret_value)
{
    struct frame *frame = &unwinder->frame;
    uint64_t size = frame->end - frame->start, frame_size;

    if (size > CODE_CAPACITY || frame->pc < frame->start ||
        !sl_reader_read_cached(sl_modules_reader(unwinder->modules), frame->start, unwinder->code,
                               size) ||
        !sl_frame_size(unwinder->code, size, frame->pc - frame->start, &frame_size))
        return false;
    frame->base = frame->sp + frame_size;
    *ret_value = frame->base;
    return true;
}

static int
access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *context)
{
    struct sl_unwinder *unwinder = context;
    const struct sl_registers *registers = unwinder->registers;

    (void) space;
    if (write || number < 0 || number >= SL_N_REGISTERS)
        return -UNW_EBADREG;
    bool known = sl_registers_know(registers, (unsigned) number);
    *value = known ? registers->value[number] : 0;
    if (registers == &unwinder->found && number == SL_REG_RBP)
        return read_stack(unwinder, unwinder->rbp_at, value) ? 0 : -UNW_EBADREG;
    if (registers == &unwinder->found) { /* from words that were noted when they were read */
        unwinder->failure = known ? unwinder->failure : SL_UNWIND_LOST_REGISTER;
        return known ? 0 : -UNW_EBADREG;
    }
    /* PC and SP are what every comparison begins with. */
    if (number != SL_REG_RIP && number != SL_REG_RSP)
        note_read(unwinder,
                  (struct sl_read){
                      .is_register = true, .known = known, .where = number, .value = *value});
    if (!known && number == SL_REG_RBP && prove_frame_pointer(unwinder, value))
        return 0;
    if (!known) {
        unwinder->failure = SL_UNWIND_NO_REGISTER;
        return -UNW_EBADREG;
    }
    return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write,
                        void *context)
{
    (void) space, (void) number, (void) value, (void) write, (void) context;
    return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *context)
{
    (void) space, (void) cursor, (void) context;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t address, char *buffer, size_t size,
                         unw_word_t *ret_offset, void *context)
{
    (void) space, (void) address, (void) buffer, (void) size, (void) ret_offset, (void) context;
    return -UNW_ENOINFO;
}

enum sl_status sl_unwinder_new(struct sl_modules *modules, uint32_t max_frames,
                               struct sl_unwinder **ret_unwinder, struct sl_error *err)
{
    unw_accessors_t accessors = {.find_proc_info = find_proc_info,
                                 .put_unwind_info = put_unwind_info,
                                 .get_dyn_info_list_addr = no_dynamic_info,
                                 .access_mem = access_mem,
                                 .access_reg = access_reg,
                                 .access_fpreg = access_fpreg,
                                 .resume = resume,
                                 .get_proc_name = get_proc_name};
    SL_AUTO(sl_unwinder) struct sl_unwinder *unwinder = calloc(1, sizeof *unwinder);
    if (unwinder) {
        unwinder->modules = modules;
        unwinder->max_frames = max_frames;
        unwinder->pcs = calloc(max_frames, sizeof *unwinder->pcs);
        unwinder->space = unw_create_addr_space(&accessors, 0);
    }
    if (!unwinder || !unwinder->pcs || !unwinder->space)
        return sl_fail(err, SL_ENOMEM, "out of memory for unwinder");
    /*
     * Its cache is keyed by address alone, while a record here depends on what was asked.
     * This is also the first call that makes libunwind open the pipe it keeps: here, where
     * descriptors are those of the process (see sl_crew_part_descriptors).
     */
    (void) unw_set_caching_policy(unwinder->space, UNW_CACHE_NONE);
    *ret_unwinder = SL_TAKE(unwinder);
    return SL_OK;
}

void sl_unwinder_free(struct sl_unwinder *unwinder)
{
    if (!unwinder)
        return;
    if (unwinder->space)
        unw_destroy_addr_space(unwinder->space);
    free(unwinder->pcs);
    free(unwinder->reads);
    free(unwinder);
}

/* Put the record for one frame where libunwind reads it. */
static enum sl_unwind_end prepare(struct sl_unwinder *unwinder, const struct sl_maps *maps,
                                  const struct sl_pc *pc, struct sl_cfi *ret_cfi)
{
    uint64_t address = pc->exact ? pc->address : pc->address - 1, record;
    const struct sl_mapping *mapping = sl_maps_find(maps, address);
    const struct sl_cfi_section *section;

    if (!mapping || !mapping->executable)
        return SL_UNWIND_NOT_CODE;
    struct sl_module *module = sl_modules_find(unwinder->modules, maps, address);
    if (!module)
        return SL_UNWIND_NO_MODULE;
    switch (sl_unwind_table_find(unwinder->modules, module, address, &section, &record)) {
    case SL_TABLE_FOUND:
        break;
    case SL_TABLE_NONE:
        return SL_UNWIND_NO_TABLE;
    case SL_TABLE_MALFORMED:
        return sl_reader_met_silence(sl_modules_reader(unwinder->modules)) ? SL_UNWIND_SILENT
                                                                           : SL_UNWIND_BAD_TABLE;
    case SL_TABLE_NO_TIME:
        return SL_UNWIND_NO_TIME;
    case SL_TABLE_NO_MEMORY:
        return SL_UNWIND_SHORT_OF_MEMORY;
    }
    if (!sl_cfi_rewrite(section, record, address, unwinder->record, RECORD_CAPACITY,
                        &unwinder->record_size, ret_cfi))
        return SL_UNWIND_BAD_TABLE;
    unwinder->memorable = unwinder->memorable && ret_cfi->relocatable;
    return SL_UNWIND_COMPLETE;
}

/*
 * What the step before this read last is the return address, for a table that counts as
 * relocatable; what it read before that said where frames lie.  A step that is not like that is
 * none to remember.
 */
static void mark_return_address(struct sl_unwinder *unwinder, size_t n_before, uint64_t ip)
{
    struct sl_read *last =
        unwinder->n_reads > n_before ? &unwinder->reads[unwinder->n_reads - 1] : NULL;
    if (last && last->known && last->value == ip)
        last->is_code = true;
    else
        unwinder->memorable = false;
}

/* To the caller's frame. */
static enum sl_unwind_end step(struct sl_unwinder *unwinder, unw_cursor_t *cursor,
                               bool signal_frame, uint64_t *cfa, uint64_t *ret_ip)
{
    const struct sl_view *view = unwinder->view;
    size_t n_before = unwinder->n_reads;
    unw_word_t ip = 0, next_cfa;

    unwinder->failure = SL_UNWIND_BAD_TABLE; /* unless an accessor says better */
    int moved = unw_step(cursor);
    if (moved < 0) {
        /* For want of a register all that was read before says where to read it. */
        if (unwinder->failure != SL_UNWIND_NO_REGISTER)
            unwinder->memorable = false;
        return unwinder->failure;
    }
    bool has_caller = moved > 0 && unw_get_reg(cursor, UNW_REG_IP, &ip) == 0 &&
                      unw_get_reg(cursor, UNW_REG_SP, &next_cfa) == 0;
    mark_return_address(unwinder, n_before, ip);
    if (!has_caller || !ip)
        return SL_UNWIND_NO_CALLER;
    /* Where frames lie is compared below, and only within the stack that means the same elsewhere.
     */
    if (next_cfa < view->sp || next_cfa > view->stack_end)
        unwinder->memorable = false;
    /* Above what rbp points to are the caller's rbp and the return address. */
    if (unwinder->frame.base && next_cfa != unwinder->frame.base + 16)
        return SL_UNWIND_NO_REGISTER;
    /* A signal frame may lie on a stack of its own, below or above the one it left. */
    if (!signal_frame && next_cfa <= *cfa)
        return SL_UNWIND_NOT_GROWING;
    *cfa = next_cfa;
    *ret_ip = ip;
    return SL_UNWIND_COMPLETE;
}

/* rbp of the frame that the cursor is at; what the code of another proves is nothing here. */
static bool frame_pointer_of(struct sl_unwinder *unwinder, unw_cursor_t *cursor, uint64_t *ret_rbp)
{
    unw_word_t rbp;

    unwinder->frame = (struct frame){0};
    if (unw_get_reg(cursor, UNW_X86_64_RBP, &rbp))
        return false;
    *ret_rbp = rbp;
    return true;
}

/*
 * To the caller of a frame in code without tables.  The thread is never stopped for it, since
 * what it gives is no proof.
 */
static bool follow_frame_pointer(struct sl_unwinder *unwinder, const struct sl_maps *maps,
                                 unw_cursor_t *cursor, uint64_t *sp, struct sl_pc *pc)
{
    const struct sl_view *view = unwinder->view;
    uint8_t code[SL_CALL_MAX];
    uint64_t rbp, address;

    if (!frame_pointer_of(unwinder, cursor, &rbp))
        return false;
    if (!sl_may_be_frame_pointer(rbp, *sp, view->stack_end)) {
        unwinder->memorable = false; /* stacks that end elsewhere may have it */
        return false;
    }
    if (!read_stack(unwinder, rbp + sizeof rbp, &address))
        return false;
    if (unwinder->n_reads > 0)
        unwinder->reads[unwinder->n_reads - 1].is_code = true;
    const struct sl_mapping *mapping = sl_maps_find(maps, address - 1);
    if (!mapping || !mapping->executable || address - mapping->start < sizeof code ||
        !sl_reader_read_cached(sl_modules_reader(unwinder->modules), address - sizeof code, code,
                               sizeof code) ||
        !sl_ends_with_call(code, sizeof code))
        return false;
    unwinder->found = (struct sl_registers){0};
    sl_registers_set(&unwinder->found, SL_REG_RIP, address);
    sl_registers_set(&unwinder->found, SL_REG_RSP, rbp + 2 * sizeof rbp);
    unwinder->rbp_at = rbp;
    unwinder->registers = &unwinder->found;
    unwinder->by_frame_pointers = true;
    *sp = rbp + 2 * sizeof rbp;
    *pc = (struct sl_pc){.address = address, .by_frame_pointer = true};
    return unw_init_remote(cursor, unwinder->space, unwinder) == 0;
}

/* COMPLETE also when the cursor could be made and no frame was looked at yet. */
static enum sl_unwind_end
walk(struct sl_unwinder *unwinder, const struct sl_maps *maps, size_t *n_pcs)
{
    const struct sl_registers *registers = unwinder->view->registers;
    struct sl_pc pc = {.address = registers->value[SL_REG_RIP], .exact = true};
    /* The first caller's frame may begin at SP itself: vfork keeps its return address in rdi. */
    uint64_t sp = registers->value[SL_REG_RSP], cfa = sp - 1;
    unw_cursor_t cursor;

    if (unw_init_remote(&cursor, unwinder->space, unwinder))
        return SL_UNWIND_NO_REGISTER;
    for (;;) {
        struct sl_cfi cfi;
        if (*n_pcs == unwinder->max_frames)
            return SL_UNWIND_TOO_DEEP;
        unwinder->pcs[(*n_pcs)++] = pc;
        if (sl_budget_is_over(sl_modules_target(unwinder->modules)->budget))
            return SL_UNWIND_NO_TIME;
        enum sl_unwind_end end = prepare(unwinder, maps, &pc, &cfi);
        if ((end == SL_UNWIND_NO_TABLE || end == SL_UNWIND_NO_MODULE) &&
            follow_frame_pointer(unwinder, maps, &cursor, &sp, &pc)) {
            cfa = sp;
            continue;
        }
        if (end)
            return end;
        if (cfi.outermost)
            return unwinder->by_frame_pointers ? SL_UNWIND_BY_FRAME_POINTERS : SL_UNWIND_COMPLETE;
        unwinder->frame =
            (struct frame){.sp = sp, .pc = pc.address, .start = cfi.start, .end = cfi.end};
        end = step(unwinder, &cursor, cfi.signal_frame, &cfa, &pc.address);
        if (end)
            return end;
        sp = cfa;
        pc.exact = cfi.signal_frame;
        pc.by_frame_pointer = false;
    }
}

void sl_unwinder_run(struct sl_unwinder *unwinder, const struct sl_maps *maps, struct sl_view *view,
                     struct sl_unwind *ret_unwind)
{
    size_t n_pcs = 0;

    unwinder->view = view;
    unwinder->n_reads = 0;
    unwinder->memorable = true;
    unwinder->registers = view->registers;
    unwinder->by_frame_pointers = false;
    view->read_elsewhere = false;
    enum sl_unwind_end end = walk(unwinder, maps, &n_pcs);
    unwinder->view = NULL;
    *ret_unwind = (struct sl_unwind){
        .end = end,
        .pcs = unwinder->pcs,
        .n_pcs = n_pcs,
        .reads = unwinder->reads,
        .n_reads = unwinder->n_reads,
        .memorable = unwinder->memorable && !view->read_elsewhere &&
                     end != SL_UNWIND_SHORT_OF_MEMORY && end != SL_UNWIND_NO_TIME,
    };
}
