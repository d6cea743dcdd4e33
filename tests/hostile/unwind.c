/* SPDX-License-Identifier: Apache-2.0 */
/* .eh_frame and .eh_frame_hdr. */
#include <string.h>

#include "module.h"

/* DW_CFA_ and DW_OP_ */
enum {
    ADVANCE = 0x40,
    OFFSET = 0x80,
    RESTORE = 0xc0,
    ADVANCE4 = 0x04,
    OFFSET_EXTENDED = 0x05,
    UNDEFINED = 0x07,
    REGISTER = 0x09,
    REMEMBER = 0x0a,
    RESTORE_STATE = 0x0b,
    DEF_CFA = 0x0c,
    CFA_REGISTER = 0x0d,
    CFA_OFFSET = 0x0e,
    CFA_EXPRESSION = 0x0f,
    EXPRESSION = 0x10,
    VAL_EXPRESSION = 0x16,
    OP_DEREF = 0x06,
    OP_CONST8 = 0x0e,
    OP_DUP = 0x12,
    OP_PICK = 0x15,
    OP_DIV = 0x1b,
    OP_PLUS = 0x22,
    OP_SHL = 0x24,
    OP_SKIP = 0x2f,
    OP_BRA = 0x28,
    OP_LIT = 0x30,
    OP_BREG = 0x70,
    OP_DEREF_SIZE = 0x94,
};

static void put_expression(struct choice *choice, struct bytes *out)
{
    struct bytes code = {0};

    for (uint64_t n = choose_size(choice, one_in(choice, 50) ? 5000 : 12); n; n--) {
        switch (choose_below(choice, 10)) {
        case 0:
            bytes_u8(&code, OP_SKIP);
            bytes_u16(&code, (uint64_t) 0 - choose_below(choice, 8)); /* back: for ever */
            break;
        case 1:
            bytes_u8(&code, OP_BRA);
            bytes_u16(&code, choose(choice));
            break;
        case 2:
            bytes_u8(&code, OP_CONST8);
            bytes_u64(&code, choose_evil(choice, 8));
            break;
        case 3:
            bytes_u8(&code, OP_PICK);
            bytes_u8(&code, choose(choice));
            break;
        case 4:
            bytes_u8(&code, OP_DEREF_SIZE);
            bytes_u8(&code, choose_below(choice, 10));
            break;
        case 5:
            bytes_u8(&code, OP_BREG + choose_below(choice, 32));
            bytes_sleb(&code, (int64_t) choose_evil(choice, 8));
            break;
        case 6:
            bytes_u8(&code, OP_LIT + choose_below(choice, 32));
            break;
        case 7:
            bytes_u8(&code, one_in(choice, 2) ? OP_DUP : OP_DEREF);
            break;
        case 8:
            bytes_u8(&code, OP_DIV + choose_below(choice, OP_SHL - OP_DIV + 1));
            break;
        default:
            bytes_u8(&code, OP_PLUS);
        }
    }
    bytes_uleb(out, one_in(choice, 20) ? choose_evil(choice, code.size) : code.size);
    bytes_put(out, code.data, code.size);
    bytes_release(&code);
}

static void put_instruction(struct choice *choice, struct bytes *out)
{
    switch (choose_below(choice, 14)) {
    case 0:
        bytes_u8(out, ADVANCE + choose_below(choice, 64));
        break;
    case 1:
        bytes_u8(out, OFFSET + choose_below(choice, 20));
        bytes_uleb(out, one_in(choice, 4) ? choose_evil(choice, 2) : choose_below(choice, 8));
        break;
    case 2:
        bytes_u8(out, RESTORE + choose_below(choice, 64));
        break;
    case 3:
        bytes_u8(out, DEF_CFA);
        bytes_uleb(out, one_in(choice, 8) ? choose_evil(choice, 7) : 6 + choose_below(choice, 2));
        bytes_uleb(out, one_in(choice, 8) ? choose_evil(choice, 16) : 8 * choose_below(choice, 9));
        break;
    case 4:
        bytes_u8(out, CFA_OFFSET);
        bytes_uleb(out, one_in(choice, 8) ? choose_evil(choice, 16) : 8 * choose_below(choice, 64));
        break;
    case 5:
        bytes_u8(out, CFA_REGISTER);
        bytes_uleb(out, choose_below(choice, 18));
        break;
    case 6:
        bytes_u8(out, REMEMBER);
        break;
    case 7:
        bytes_u8(out, RESTORE_STATE);
        break;
    case 8:
        bytes_u8(out, CFA_EXPRESSION);
        put_expression(choice, out);
        break;
    case 9:
        bytes_u8(out, one_in(choice, 2) ? EXPRESSION : VAL_EXPRESSION);
        bytes_uleb(out, one_in(choice, 8) ? choose_evil(choice, 16) : choose_below(choice, 17));
        put_expression(choice, out);
        break;
    case 10:
        bytes_u8(out, UNDEFINED);
        bytes_uleb(out, choose_below(choice, 20));
        break;
    case 11:
        bytes_u8(out, ADVANCE4);
        bytes_u32(out, choose_evil(choice, 4));
        break;
    case 12:
        bytes_u8(out, REGISTER);
        bytes_uleb(out, choose_below(choice, 40));
        bytes_uleb(out, choose_evil(choice, 16));
        break;
    default:
        bytes_u8(out, one_in(choice, 4) ? choose(choice) : 0);
    }
}

static void put_program(struct choice *choice, struct bytes *out)
{
    if (one_in(choice, 300)) /* states on states */
        bytes_fill(out, REMEMBER, choose_size(choice, 200000));
    for (uint64_t n = choose_below(choice, one_in(choice, 100) ? 2000 : 10); n; n--)
        put_instruction(choice, out);
}

/* A length, what the caller puts, and the padding. */
static void end_record(struct bytes *frames, size_t begin)
{
    bytes_align(frames, 8);
    bytes_u32_at(frames, begin, frames->size - begin - 4);
}

static void put_cie(struct choice *choice, struct bytes *frames)
{
    static const char *const augmentations[] = {"zR", "zR", "zR", "zRS", "zPLR",
                                                "",   "eh", "zX", "z"};
    const char *augmentation = augmentations[choose_below(choice, one_in(choice, 4) ? 9 : 4)];
    size_t begin = frames->size;

    bytes_u32(frames, 0);
    bytes_u32(frames, 0);
    bytes_u8(frames, one_in(choice, 20) ? choose(choice) : 1);
    bytes_text(frames, augmentation);
    bytes_uleb(frames, one_in(choice, 20) ? choose_evil(choice, 1) : 1);
    bytes_sleb(frames, one_in(choice, 20) ? (int64_t) choose_evil(choice, 8) : -8);
    bytes_uleb(frames, one_in(choice, 20) ? choose_evil(choice, 16) : 16);
    bytes_uleb(frames, one_in(choice, 20) ? choose_evil(choice, 1) : 1);
    bytes_u8(frames, one_in(choice, 8) ? choose(choice) : 0x1b);
    bytes_u8(frames, DEF_CFA);
    bytes_uleb(frames, 7);
    bytes_uleb(frames, 8);
    bytes_u8(frames, OFFSET + 16);
    bytes_uleb(frames, 1);
    if (one_in(choice, 3))
        put_program(choice, frames);
    end_record(frames, begin);
}

static void put_fde(struct choice *choice, struct bytes *frames, size_t cie, uint64_t address,
                    const struct function *function)
{
    size_t begin = frames->size;

    bytes_u32(frames, 0);
    bytes_u32(frames, one_in(choice, 50) ? choose_evil(choice, begin) : begin + 4 - cie);
    bytes_u32(frames, function->start - (address + frames->size));
    bytes_u32(frames, one_in(choice, 20) ? choose_evil(choice, function->size) : function->size);
    bytes_uleb(frames, one_in(choice, 50) ? choose_evil(choice, 0) : 0);
    put_program(choice, frames);
    end_record(frames, begin);
}

static void put_header(struct writer *writer, const struct bytes *frames, uint64_t frames_at,
                       const size_t *fdes)
{
    const struct module *module = writer->module;
    struct choice *choice = writer->choice;
    struct bytes header = {0};
    uint64_t address = writer_address(writer);

    (void) frames;
    bytes_u8(&header, 1);
    bytes_u8(&header, one_in(choice, 30) ? choose(choice) : 0x1b);
    bytes_u8(&header, one_in(choice, 30) ? choose(choice) : 0x03);
    bytes_u8(&header, one_in(choice, 30) ? choose(choice) : 0x3b);
    bytes_u32(&header, frames_at - (address + 4));
    bytes_u32(&header,
              one_in(choice, 10) ? choose_evil(choice, module->n_functions) : module->n_functions);
    for (size_t i = 0; i < module->n_functions; i++) {
        size_t at = one_in(choice, 100) ? choose_below(choice, module->n_functions) : i;
        bytes_u32(&header, module->functions[at].start - address);
        bytes_u32(&header, one_in(choice, 60) ? choose_evil(choice, address)
                                              : frames_at + fdes[i] - address);
    }
    (void) writer_add(writer, ".eh_frame_hdr", SHT_PROGBITS, SHF_ALLOC, &header);
    writer->others[writer->n_others++] = (Elf64_Phdr){.p_type = PT_GNU_EH_FRAME,
                                                      .p_flags = PF_R,
                                                      .p_offset = address - writer->base,
                                                      .p_vaddr = address,
                                                      .p_filesz = header.size,
                                                      .p_memsz = header.size,
                                                      .p_align = 4};
    bytes_release(&header);
}

void unwind_add(struct writer *writer)
{
    struct choice *choice = writer->choice;
    struct bytes frames = {0};
    size_t fdes[MAX_FUNCTIONS], cie = 0;
    uint64_t address = writer_address(writer);

    if (one_in(choice, 8)) /* none at all */
        return;
    for (size_t i = 0; i < writer->module->n_functions; i++) {
        if (i == 0 || one_in(choice, 8)) {
            cie = frames.size;
            put_cie(choice, &frames);
        }
        fdes[i] = frames.size;
        put_fde(choice, &frames, cie, address, &writer->module->functions[i]);
    }
    bytes_u32(&frames, 0);
    (void) writer_add(writer, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, &frames);
    if (!one_in(choice, 6))
        put_header(writer, &frames, address, fdes);
    bytes_release(&frames);
}
