/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/instruction.h"

#include "base/macros.h"
#include "harness/snapshot/module/bytes.h"

#define MAX_LENGTH 15

enum { REX_B = 1, REX_R = 4, REX_W = 8 };
enum { RSP = 4, RBP = 5 };

enum map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A };

/*
 * What follows an opcode: a ModRM byte (m), one with an immediate byte (B) or word (W), only
 * the immediate (b, w), nothing (.).  A word is four bytes, or two behind the prefix 66.
 * x: no opcode, or a prefix.
 */
static const char one_byte[] = "mmmmbwxxmmmmbwxx"  /* 00 */
                               "mmmmbwxxmmmmbwxx"  /* 10 */
                               "mmmmbwxxmmmmbwxx"  /* 20 */
                               "mmmmbwxxmmmmbwxx"  /* 30 */
                               "xxxxxxxxxxxxxxxx"  /* 40 */
                               "................"  /* 50 */
                               "xxxmxxxxwWbB...."  /* 60 */
                               "bbbbbbbbbbbbbbbb"  /* 70 */
                               "BWxBmmmmmmmmmmmm"  /* 80 */
                               "..........x....."  /* 90 */
                               "........bw......"  /* a0 */
                               "bbbbbbbbwwwwwwww"  /* b0 */
                               "BB..xxBW.....bx."  /* c0 */
                               "mmmmxxx.mmmmmmmm"  /* d0 */
                               "bbbbbbbbwwxb...."  /* e0 */
                               "x.xx..mm......mm"; /* f0 */

/* The same behind 0F.  g, G: like m and B, and a general register may be written. */
static const char two_bytes[] = "ggggx.....x.xmxx"  /* 00 */
                                "mmmmmmmmmmmmmmmm"  /* 10 */
                                "ggggxxxxmmmmggmm"  /* 20 */
                                "......x.xxxxxxxx"  /* 30 */
                                "gggggggggggggggg"  /* 40 */
                                "gmmmmmmmmmmmmmmm"  /* 50 */
                                "mmmmmmmmmmmmmmmm"  /* 60 */
                                "BBBBmmm.mmmmmmgm"  /* 70 */
                                "wwwwwwwwwwwwwwww"  /* 80 */
                                "gggggggggggggggg"  /* 90 */
                                "...gGgxx...gGggg"  /* a0 */
                                "ggmgmmgggmGggggg"  /* b0 */
                                "ggBmBGBg........"  /* c0 */
                                "mmmmmmmgmmmmmmmm"  /* d0 */
                                "mmmmmmmmmmmmmmmm"  /* e0 */
                                "mmmmmmmmmmmmmmmm"; /* f0 */

/* An instruction while it is taken apart. */
struct parts {
    struct sl_bytes bytes;
    uint8_t rex;
    bool prefix_66, prefix_67;
    enum map map;
    uint8_t opcode;
    char form;            /* a letter of the tables */
    uint8_t mod, reg, rm; /* of the ModRM byte, without what REX adds */
    int64_t displacement, immediate;
};

static uint8_t next_byte(struct parts *parts)
{
    return (uint8_t) sl_bytes_unsigned(&parts->bytes, 1);
}

/* Prefixes; those that only choose a segment, lock or repeat do not matter here. */
static uint8_t read_prefixes(struct parts *parts)
{
    for (;;) {
        uint8_t byte = next_byte(parts);
        switch (byte) {
        case 0x66:
            parts->prefix_66 = true;
            break;
        case 0x67:
            parts->prefix_67 = true;
            break;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
        case 0x64:
        case 0x65:
        case 0xf0:
        case 0xf2:
        case 0xf3:
            break;
        default:
            if ((byte & 0xf0) != 0x40)
                return byte;
            parts->rex = byte;
            return next_byte(parts); /* REX stands last */
        }
    }
}

/* VEX and EVEX: bits of REX, inverted, and the map. */
static bool read_vector_prefix(struct parts *parts, uint8_t first)
{
    uint8_t byte = next_byte(parts);
    unsigned map = 1;

    parts->rex = (uint8_t) ((byte & 0x80 ? 0 : REX_R));
    if (first != 0xc5) {
        map = byte & (first == 0x62 ? 7 : 31);
        parts->rex |= byte & 0x20 ? 0 : REX_B;
        (void) next_byte(parts);
        if (first == 0x62)
            (void) next_byte(parts);
    }
    if (map < 1 || map > 3)
        return false;
    parts->map = (enum map) map;
    return true;
}

static bool read_opcode(struct parts *parts)
{
    uint8_t byte = read_prefixes(parts);

    if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
        if (!read_vector_prefix(parts, byte))
            return false;
        byte = next_byte(parts);
    } else if (byte == 0x0f) {
        byte = next_byte(parts);
        parts->map = byte == 0x38 ? MAP_0F38 : byte == 0x3a ? MAP_0F3A : MAP_0F;
        if (parts->map != MAP_0F)
            byte = next_byte(parts);
    }
    parts->opcode = byte;
    switch (parts->map) {
    case MAP_ONE:
        parts->form = one_byte[byte];
        break;
    case MAP_0F:
        parts->form = two_bytes[byte];
        break;
    case MAP_0F38: /* f0 and above: movbe, crc32, andn, shlx and the like */
        parts->form = byte >= 0xf0 ? 'g' : 'm';
        break;
    case MAP_0F3A: /* f0: rorx; 14 to 17: an element of a vector into a register */
        parts->form = byte >= 0xf0 || (byte >= 0x14 && byte <= 0x17) ? 'G' : 'B';
        break;
    }
    return parts->form != 'x' && !parts->bytes.bad;
}

static void read_modrm(struct parts *parts)
{
    uint8_t byte = next_byte(parts);

    parts->mod = byte >> 6;
    parts->reg = byte >> 3 & 7;
    parts->rm = byte & 7;
    if (parts->mod == 3)
        return;
    bool no_base = parts->mod == 0 && parts->rm == 5; /* relative to the PC */
    if (parts->rm == 4)
        no_base = (next_byte(parts) & 7) == 5 && parts->mod == 0;
    if (parts->mod == 1)
        parts->displacement = (int8_t) next_byte(parts);
    else if (parts->mod == 2 || no_base)
        parts->displacement = (int64_t) sl_bytes_signed(&parts->bytes, 4);
}

static int64_t read_signed(struct parts *parts, size_t size)
{
    return size == 1 ? (int8_t) next_byte(parts) : (int64_t) sl_bytes_signed(&parts->bytes, size);
}

static bool is_one(const struct parts *parts, uint8_t first, uint8_t last)
{
    return parts->map == MAP_ONE && parts->opcode >= first && parts->opcode <= last;
}

static bool is_narrow(const struct parts *parts)
{
    return parts->prefix_66 && !(parts->rex & REX_W);
}

static void read_immediate(struct parts *parts)
{
    size_t word = is_narrow(parts) ? 2 : 4;

    if (is_one(parts, 0xa0, 0xa3)) /* an address */
        (void) sl_bytes_skip(&parts->bytes, parts->prefix_67 ? 4 : 8);
    else if (is_one(parts, 0xb8, 0xbf) && (parts->rex & REX_W))
        parts->immediate = read_signed(parts, 8);
    else if (is_one(parts, 0xc2, 0xc2) || is_one(parts, 0xca, 0xca))
        parts->immediate = read_signed(parts, 2);
    else if (is_one(parts, 0xc8, 0xc8))
        (void) sl_bytes_skip(&parts->bytes, 3);
    else if (is_one(parts, 0xf6, 0xf6) && parts->reg < 2) /* test */
        parts->immediate = read_signed(parts, 1);
    else if (is_one(parts, 0xf7, 0xf7) && parts->reg < 2)
        parts->immediate = read_signed(parts, word);
    else if (parts->form == 'b' || parts->form == 'B' || parts->form == 'G')
        parts->immediate = read_signed(parts, 1);
    else if (parts->form == 'w' || parts->form == 'W')
        parts->immediate = read_signed(parts, word);
}

/* Is the register that the ModRM byte names rsp, or a part of it? */
static bool rm_is_rsp(const struct parts *parts)
{
    return parts->mod == 3 && parts->rm == RSP && !(parts->rex & REX_B);
}

static bool reg_is_rsp(const struct parts *parts)
{
    return parts->reg == RSP && !(parts->rex & REX_R);
}

/* mov and the arithmetic with two operands: bit 1 of the opcode says which is written. */
static enum sl_stack_effect effect_of_pair(const struct parts *parts)
{
    bool to_reg = parts->opcode & 2, wide = parts->rex & REX_W;
    bool is_mov = parts->opcode == 0x89 || parts->opcode == 0x8b;

    if (is_mov && wide && parts->mod == 3 &&
        (to_reg ? rm_is_rsp(parts) && parts->reg == RBP && !(parts->rex & REX_R)
                : reg_is_rsp(parts) && parts->rm == RBP && !(parts->rex & REX_B)))
        return SL_STACK_SET_BASE;
    return (to_reg ? reg_is_rsp(parts) : rm_is_rsp(parts)) ? SL_STACK_OTHER : SL_STACK_NONE;
}

/* 80 to 83: arithmetic with an immediate. */
static enum sl_stack_effect effect_of_immediate(const struct parts *parts, int64_t *ret_amount)
{
    enum { GROUP_ADD = 0, GROUP_SUB = 5, GROUP_CMP = 7 };

    if (!rm_is_rsp(parts) || parts->reg == GROUP_CMP)
        return SL_STACK_NONE;
    if (!(parts->rex & REX_W) || parts->opcode == 0x80 ||
        (parts->reg != GROUP_ADD && parts->reg != GROUP_SUB))
        return SL_STACK_OTHER;
    bool down = (parts->reg == GROUP_SUB) == (parts->immediate >= 0);
    *ret_amount = parts->immediate < 0 ? -parts->immediate : parts->immediate;
    return down ? SL_STACK_SUBTRACT : SL_STACK_ADD;
}

static enum sl_stack_effect effect_of_lea(const struct parts *parts, int64_t *ret_amount)
{
    if (!reg_is_rsp(parts))
        return SL_STACK_NONE;
    *ret_amount = parts->displacement;
    return (parts->rex & REX_W) && !(parts->rex & REX_B) && parts->mod && parts->rm == RBP
               ? SL_STACK_FROM_BASE
               : SL_STACK_OTHER;
}

/* Opcodes of one byte without a ModRM byte. */
static enum sl_stack_effect effect_of_plain(const struct parts *parts)
{
    uint8_t opcode = parts->opcode;
    bool is_rsp = (opcode & 7) == RSP && !(parts->rex & REX_B);

    if (opcode >= 0x50 && opcode <= 0x57)
        return parts->prefix_66 ? SL_STACK_OTHER : SL_STACK_PUSH;
    if (opcode >= 0x58 && opcode <= 0x5f)
        return parts->prefix_66 || is_rsp ? SL_STACK_OTHER : SL_STACK_POP;
    if (opcode == 0x68 || opcode == 0x6a)
        return parts->prefix_66 ? SL_STACK_OTHER : SL_STACK_PUSH;
    if ((opcode >= 0x90 && opcode <= 0x97) || (opcode >= 0xb0 && opcode <= 0xbf))
        return is_rsp ? SL_STACK_OTHER : SL_STACK_NONE;
    if (opcode == 0xc9)
        return SL_STACK_LEAVE;
    /* pushf and popf, enter, returns that drop arguments, far returns, int and iret */
    if (opcode == 0x9c || opcode == 0x9d || opcode == 0xc8 || opcode == 0xc2 ||
        (opcode >= 0xca && opcode <= 0xcf))
        return SL_STACK_OTHER;
    return SL_STACK_NONE;
}

static enum sl_stack_effect effect_of(const struct parts *parts, int64_t *ret_amount)
{
    uint8_t opcode = parts->opcode;

    if (parts->form == 'g' || parts->form == 'G')
        return reg_is_rsp(parts) || rm_is_rsp(parts) ? SL_STACK_OTHER : SL_STACK_NONE;
    if (parts->map != MAP_ONE || (opcode >= 0xd8 && opcode <= 0xdf))
        return SL_STACK_NONE; /* vectors and floating point */
    if (parts->form != 'm' && parts->form != 'B' && parts->form != 'W')
        return effect_of_plain(parts);
    if (opcode >= 0x80 && opcode <= 0x83)
        return effect_of_immediate(parts, ret_amount);
    if (opcode >= 0x38 && opcode <= 0x3b) /* cmp */
        return SL_STACK_NONE;
    if (opcode < 0x40 || (opcode >= 0x88 && opcode <= 0x8b))
        return effect_of_pair(parts);
    if (opcode == 0x84 || opcode == 0x85 || opcode == 0x8e) /* test, mov to a segment */
        return SL_STACK_NONE;
    if (opcode == 0x8d)
        return effect_of_lea(parts, ret_amount);
    if (opcode == 0x63 || opcode == 0x69 || opcode == 0x6b)
        return reg_is_rsp(parts) ? SL_STACK_OTHER : SL_STACK_NONE;
    if (opcode == 0x8f || (opcode == 0xff && (parts->reg == 3 || parts->reg >= 5)))
        return SL_STACK_OTHER; /* pop and push of memory, far calls and jumps */
    if (opcode == 0xff && parts->reg >= 2)
        return SL_STACK_NONE; /* calls and jumps */
    bool exchanges = opcode == 0x86 || opcode == 0x87;
    return rm_is_rsp(parts) || (exchanges && reg_is_rsp(parts)) ? SL_STACK_OTHER : SL_STACK_NONE;
}

static enum sl_flow flow_of(const struct parts *parts, bool *ret_is_direct)
{
    uint8_t opcode = parts->opcode;
    bool branch = parts->map == MAP_0F ? opcode >= 0x80 && opcode <= 0x8f
                                       : is_one(parts, 0x70, 0x7f) || is_one(parts, 0xe0, 0xe3);

    *ret_is_direct = branch || is_one(parts, 0xe8, 0xe9) || is_one(parts, 0xeb, 0xeb);
    if (branch)
        return SL_FLOW_BRANCH;
    if (is_one(parts, 0xe8, 0xe8) || (parts->map == MAP_0F && opcode == 0x05) ||
        (is_one(parts, 0xff, 0xff) && (parts->reg == 2 || parts->reg == 3)))
        return SL_FLOW_CALL;
    if (is_one(parts, 0xe9, 0xe9) || is_one(parts, 0xeb, 0xeb) ||
        (is_one(parts, 0xff, 0xff) && (parts->reg == 4 || parts->reg == 5)))
        return SL_FLOW_JUMP;
    return is_one(parts, 0xc2, 0xc3) || is_one(parts, 0xca, 0xcb) || is_one(parts, 0xcf, 0xcf)
               ? SL_FLOW_RETURN
               : SL_FLOW_NEXT;
}

bool sl_instruction_decode(const uint8_t *code, size_t size, struct sl_instruction *ret_instruction)
{
    struct parts parts = {.bytes = {.at = code, .end = code + SL_MIN(size, (size_t) MAX_LENGTH)}};
    struct sl_instruction instruction = {0};

    if (!read_opcode(&parts))
        return false;
    if (strchr("mgBGW", parts.form))
        read_modrm(&parts);
    read_immediate(&parts);
    if (parts.bytes.bad)
        return false;
    instruction.length = (size_t) (parts.bytes.at - code);
    instruction.effect = effect_of(&parts, &instruction.amount);
    instruction.of_base =
        (is_one(&parts, 0x55, 0x55) || is_one(&parts, 0x5d, 0x5d)) && !(parts.rex & REX_B);
    instruction.flow = flow_of(&parts, &instruction.is_direct);
    if (instruction.is_direct) {
        if (is_narrow(&parts))
            return false; /* makers of processors do not agree on its length */
        instruction.target = (int64_t) instruction.length + parts.immediate;
    }
    *ret_instruction = instruction;
    return true;
}
