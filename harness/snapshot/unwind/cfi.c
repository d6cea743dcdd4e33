/* SPDX-License-Identifier: Apache-2.0 */
/* Records: finding their parts and writing them anew.  cfi_program.c has the instructions. */
#include "harness/snapshot/unwind/cfi.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/module/bytes.h"
#include "harness/snapshot/unwind/cfi_program.h"

#define MAX_RECORD ((uint64_t) 1024 * 1024)

/* DW_EH_PE: low four bits format, next three what it is relative to, then indirect. */
enum {
    PE_ABSPTR = 0x00,
    PE_ULEB128 = 0x01,
    PE_UDATA2 = 0x02,
    PE_UDATA4 = 0x03,
    PE_UDATA8 = 0x04,
    PE_SLEB128 = 0x09,
    PE_SDATA2 = 0x0a,
    PE_SDATA4 = 0x0b,
    PE_SDATA8 = 0x0c,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_INDIRECT = 0x80
};

/* The head of a record: length, then the id that tells CIE from FDE. */
struct head {
    uint64_t body; /* address behind the id */
    uint64_t id_address, id;
    uint64_t end;
    bool wide; /* 64-bit DWARF */
};

struct cie {
    uint64_t code_align;
    int64_t data_align;
    uint64_t return_column;
    uint8_t pointer_encoding;
    bool sized; /* FDEs have augmentation data with a length */
    bool signal_frame;
    struct sl_bytes program;
};

/* Bytes being written; nothing is written past the end, `full` says so. */
struct writer {
    uint8_t *start, *at, *end;
    bool full;
};

static bool read_plain(struct sl_bytes *bytes, uint8_t format, uint64_t *ret_value)
{
    switch (format) {
    case PE_ABSPTR:
    case PE_UDATA8:
    case PE_SDATA8:
        *ret_value = sl_bytes_unsigned(bytes, 8);
        return true;
    case PE_ULEB128:
        *ret_value = sl_bytes_uleb(bytes);
        return true;
    case PE_SLEB128:
        *ret_value = (uint64_t) sl_bytes_sleb(bytes);
        return true;
    case PE_UDATA2:
        *ret_value = sl_bytes_unsigned(bytes, 2);
        return true;
    case PE_UDATA4:
        *ret_value = sl_bytes_unsigned(bytes, 4);
        return true;
    case PE_SDATA2:
        *ret_value = sl_bytes_signed(bytes, 2);
        return true;
    case PE_SDATA4:
        *ret_value = sl_bytes_signed(bytes, 4);
        return true;
    default:
        return false;
    }
}

bool sl_cfi_pointer(struct sl_bytes *bytes, uint8_t encoding, uint64_t address, uint64_t data_base,
                    uint64_t *ret_value)
{
    uint64_t value;
    if ((encoding & PE_INDIRECT) || !read_plain(bytes, encoding & 0x0f, &value) || bytes->bad)
        return false;
    switch (encoding & 0x70) {
    case 0:
        break;
    case PE_PCREL:
        value += address;
        break;
    case PE_DATAREL:
        value += data_base;
        break;
    default:
        return false;
    }
    *ret_value = value;
    return true;
}

static bool read_number(const struct sl_cfi_section *section, uint64_t address, size_t size,
                        uint64_t *ret_value)
{
    *ret_value = 0;
    return address >= section->start && address < section->end && section->end - address >= size &&
           section->read(section->context, address, ret_value, size);
}

static enum sl_cfi_kind
read_head(const struct sl_cfi_section *section, uint64_t address, struct head *ret_head)
{
    struct head head = {0};
    uint64_t length;

    if (!read_number(section, address, 4, &length))
        return SL_CFI_MALFORMED;
    address += 4;
    if (length == 0)
        return SL_CFI_TERMINATOR;
    if (length == UINT32_MAX) {
        head.wide = true;
        if (!read_number(section, address, 8, &length))
            return SL_CFI_MALFORMED;
        address += 8;
    }
    size_t id_size = head.wide ? 8 : 4;
    if (length < id_size || length > MAX_RECORD || length > section->end - address ||
        !read_number(section, address, id_size, &head.id))
        return SL_CFI_MALFORMED;
    head.id_address = address;
    head.body = address + id_size;
    head.end = address + length;
    *ret_head = head;

    uint64_t cie_id = !section->debug_frame ? 0 : head.wide ? UINT64_MAX : UINT32_MAX;
    return head.id == cie_id ? SL_CFI_CIE : SL_CFI_FDE;
}

/* The bytes behind the head, in memory of the caller's.  Free *ret_owner. */
static bool load_body(const struct sl_cfi_section *section, const struct head *head,
                      uint8_t **ret_owner, struct sl_bytes *ret_bytes)
{
    size_t size = (size_t) (head->end - head->body);
    uint8_t *data = malloc(SL_MAX(size, 1));

    if (!data)
        return false;
    if (size && !section->read(section->context, head->body, data, size)) {
        free(data);
        return false;
    }
    *ret_owner = data;
    *ret_bytes = (struct sl_bytes){.at = data, .end = data + size};
    return true;
}

/* Augmentation letters say which data follows; what is unknown makes the record unusable. */
static bool parse_augmentation(const char *letters, struct sl_bytes *bytes, struct cie *cie)
{
    uint64_t ignored;

    if (!*letters)
        return true;
    if (*letters != 'z')
        return false;
    cie->sized = true;
    uint64_t size = sl_bytes_uleb(bytes);
    struct sl_bytes data = {.at = bytes->at};
    data.end = sl_bytes_skip(bytes, size) + (bytes->bad ? 0 : size);
    for (letters++; *letters; letters++) {
        switch (*letters) {
        case 'R':
            cie->pointer_encoding = (uint8_t) sl_bytes_unsigned(&data, 1);
            break;
        case 'L': /* language-specific data: for raising exceptions only */
            (void) sl_bytes_unsigned(&data, 1);
            break;
        case 'P': { /* personality routine: as above */
            uint8_t encoding = (uint8_t) sl_bytes_unsigned(&data, 1);
            if (!read_plain(&data, encoding & 0x0f, &ignored))
                return false;
            break;
        }
        case 'S':
            cie->signal_frame = true;
            break;
        case 'B': /* return address signing: not on x86-64 */
        default:
            return false;
        }
    }
    return !data.bad && !bytes->bad;
}

static bool parse_cie(struct sl_bytes *bytes, struct cie *ret_cie)
{
    struct cie cie = {.pointer_encoding = PE_ABSPTR};

    uint64_t version = sl_bytes_unsigned(bytes, 1);
    const char *letters = (const char *) bytes->at;
    const void *letters_end = memchr(bytes->at, 0, sl_bytes_left(bytes));
    if (!letters_end || (version != 1 && version != 3 && version != 4))
        return false;
    (void) sl_bytes_skip(bytes, (uint64_t) ((const char *) letters_end - letters) + 1);
    if (version == 4 && (sl_bytes_unsigned(bytes, 1) != 8 || sl_bytes_unsigned(bytes, 1) != 0))
        return false; /* address size, segment selector size */
    cie.code_align = sl_bytes_uleb(bytes);
    cie.data_align = sl_bytes_sleb(bytes);
    cie.return_column = version == 1 ? sl_bytes_unsigned(bytes, 1) : sl_bytes_uleb(bytes);
    if (cie.return_column >= SL_CFI_N_REGISTERS || !parse_augmentation(letters, bytes, &cie))
        return false;
    cie.program = *bytes;
    *ret_cie = cie;
    return !bytes->bad;
}

/* Code range of an FDE whose body begins at bytes. */
static bool parse_range(const struct sl_cfi_section *section, const struct cie *cie,
                        struct sl_bytes *bytes, uint64_t body_address, struct sl_cfi_range *range)
{
    uint64_t start, size;

    if (!sl_cfi_pointer(bytes, cie->pointer_encoding, body_address, 0, &start) ||
        (cie->pointer_encoding & 0x70) == PE_DATAREL ||
        !read_plain(bytes, cie->pointer_encoding & 0x0f, &size) || bytes->bad)
        return false;
    if (section->debug_frame)
        start += section->bias;
    if (!size || start + size < start)
        return false;
    range->start = start;
    range->end = start + size;
    return true;
}

/* The CIE that an FDE refers to. */
static bool load_cie(const struct sl_cfi_section *section, const struct head *fde,
                     uint8_t **ret_owner, struct cie *ret_cie)
{
    uint64_t address = section->debug_frame ? section->start + fde->id : fde->id_address - fde->id;
    struct head head;
    struct sl_bytes bytes;

    if (read_head(section, address, &head) != SL_CFI_CIE ||
        !load_body(section, &head, ret_owner, &bytes))
        return false;
    return parse_cie(&bytes, ret_cie);
}

enum sl_cfi_kind
sl_cfi_scan(const struct sl_cfi_section *section, uint64_t address, struct sl_cfi_range *ret_range)
{
    struct sl_cfi_range range = {0};
    SL_AUTO_FREE uint8_t *fde_owner = NULL, *cie_owner = NULL;
    struct head head;
    struct sl_bytes bytes;
    struct cie cie;

    enum sl_cfi_kind kind = read_head(section, address, &head);
    if (kind == SL_CFI_MALFORMED || kind == SL_CFI_TERMINATOR)
        return kind;
    range.next = head.end;
    if (kind == SL_CFI_FDE && (!load_body(section, &head, &fde_owner, &bytes) ||
                               !load_cie(section, &head, &cie_owner, &cie) ||
                               !parse_range(section, &cie, &bytes, head.body, &range))) {
        range.start = range.end = 0; /* covers nothing; the scan goes on behind it */
    }
    *ret_range = range;
    return kind;
}

static void put(struct writer *out, const void *data, size_t size)
{
    if (size > (size_t) (out->end - out->at)) {
        out->full = true;
        return;
    }
    memcpy(out->at, data, size);
    out->at += size;
}

static void put_number(struct writer *out, uint64_t value, size_t size)
{
    put(out, &value, size);
}

static void put_uleb(struct writer *out, uint64_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        byte |= value ? 0x80 : 0;
        put(out, &byte, 1);
    } while (value);
}

static void put_sleb(struct writer *out, int64_t value)
{
    for (bool more = true; more;) {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        more = !((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40)));
        byte |= more ? 0x80 : 0;
        put(out, &byte, 1);
    }
}

/* Reserve a length field; close_length fills it when the record is whole. */
static size_t open_length(struct writer *out)
{
    size_t at = (size_t) (out->at - out->start);
    put_number(out, 0, 4);
    return at;
}

static void close_length(struct writer *out, size_t at)
{
    uint32_t length = (uint32_t) ((size_t) (out->at - out->start) - at - 4);
    if (!out->full)
        memcpy(out->start + at, &length, sizeof length);
}

static void put_program(struct writer *out, struct sl_cfi_program *program,
                        struct sl_bytes instructions, bool *ok)
{
    size_t used = 0;
    *ok = *ok &&
          sl_cfi_program_run(program, instructions, out->at, (size_t) (out->end - out->at), &used);
    out->at += used;
}

static void
put_cie(struct writer *out, const struct cie *cie, struct sl_cfi_program *program, bool *ok)
{
    size_t length = open_length(out);
    put_number(out, 0, 4);
    put_number(out, 1, 1);
    if (cie->signal_frame)
        put(out, "zRS", 4);
    else
        put(out, "zR", 3);
    put_uleb(out, cie->code_align);
    put_sleb(out, cie->data_align);
    put_number(out, cie->return_column, 1);
    put_uleb(out, 1);
    put_number(out, PE_UDATA8, 1);
    put_program(out, program, cie->program, ok);
    close_length(out, length);
}

static void put_fde(struct writer *out, const struct sl_cfi_range *range, size_t cie_at,
                    struct sl_bytes instructions, struct sl_cfi_program *program, bool *ok)
{
    size_t length = open_length(out);
    put_number(out, (uint64_t) (out->at - out->start) - cie_at, 4);
    put_number(out, range->start, 8);
    put_number(out, range->end - range->start, 8);
    put_uleb(out, 4); /* libunwind reads two 16-bit numbers here when the CIE has an 'S' */
    put_number(out, 0, 4);
    put_program(out, program, instructions, ok);
    close_length(out, length);
}

bool sl_cfi_rewrite(const struct sl_cfi_section *section, uint64_t address, uint64_t pc,
                    uint8_t *record, size_t capacity, size_t *ret_size, struct sl_cfi *ret_cfi)
{
    SL_AUTO_FREE uint8_t *fde_owner = NULL, *cie_owner = NULL;
    struct sl_cfi_range range;
    struct head head;
    struct sl_bytes bytes;
    struct cie cie;

    if (read_head(section, address, &head) != SL_CFI_FDE ||
        !load_body(section, &head, &fde_owner, &bytes) ||
        !load_cie(section, &head, &cie_owner, &cie) ||
        !parse_range(section, &cie, &bytes, head.body, &range) || pc < range.start ||
        pc >= range.end)
        return false;
    if (cie.sized)
        (void) sl_bytes_skip(&bytes, sl_bytes_uleb(&bytes));
    if (bytes.bad)
        return false;

    struct sl_cfi_program program = {.return_column = cie.return_column,
                                     .code_align = cie.code_align,
                                     .pc = pc,
                                     .location = range.start,
                                     .relocatable = true};
    struct writer out = {.start = record, .at = record, .end = record + capacity};
    bool ok = true;
    put_number(&out, (uint32_t) INT32_MIN, 4); /* starts before every address */
    put_number(&out, 0, 4);                    /* offset of the FDE, below */
    size_t cie_at = (size_t) (out.at - out.start);
    put_cie(&out, &cie, &program, &ok);
    sl_cfi_program_begin_fde(&program);
    uint32_t fde_at = (uint32_t) (out.at - out.start);
    put_fde(&out, &range, cie_at, bytes, &program, &ok);
    if (!ok || out.full)
        return false;
    memcpy(record + 4, &fde_at, sizeof fde_at);
    *ret_size = (size_t) (out.at - out.start);
    *ret_cfi = (struct sl_cfi){.start = range.start,
                               .end = range.end,
                               .signal_frame = cie.signal_frame,
                               .outermost = program.returns == SL_CFI_RETURN_UNDEFINED,
                               .relocatable =
                                   program.relocatable && program.returns != SL_CFI_RETURN_OTHER};
    return true;
}
