/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information: finding out what one record says about one address,
 * and writing it down again in a form that is safe to hand to an unwinder.
 *
 * Tables come from the memory and the files of other processes, and libunwind
 * trusts what it is given: it aborts on some encodings, follows indirect
 * pointers and runs expressions that loop.  So no byte of a table reaches it.
 * A record is parsed here, every operand checked, and the instructions that
 * apply to the address are written into a record of our own.
 */
#ifndef SL_SNAPSHOT_UNWIND_CFI_H
#define SL_SNAPSHOT_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where records are.  Addresses are of the target for .eh_frame, offsets for .debug_frame. */
struct sl_cfi_section {
    bool (*read)(void *context, uint64_t address, void *data, size_t size);
    void *context;
    uint64_t start, end;
    bool debug_frame;
    uint64_t bias; /* added to the addresses that a .debug_frame names */
};

enum sl_cfi_kind { SL_CFI_FDE, SL_CFI_CIE, SL_CFI_TERMINATOR, SL_CFI_MALFORMED };

struct sl_cfi_range {
    uint64_t start, end; /* code that the record describes; FDE only */
    uint64_t next;       /* where the next record begins; FDE and CIE */
};

/* What a record says about one address. */
struct sl_cfi {
    uint64_t start, end;
    bool signal_frame; /* the frame was interrupted, it did not call */
    bool outermost;    /* marks the return address as undefined: nothing called this */
    /*
     * The rules only add constants to registers other than the program counter and follow
     * pointers, and the return address is read last, from memory.  So the same stack elsewhere
     * in memory unwinds the same way.
     */
    bool relocatable;
};

#define SL_CFI_TABLE_SIZE 8 /* one entry of a binary search table in front of the record */

/*
 * Kind and extent of the record at an address.
 */
enum sl_cfi_kind
sl_cfi_scan(const struct sl_cfi_section *section, uint64_t address, struct sl_cfi_range *ret_range);

/**
 * Read the FDE at an address and its CIE, and rewrite what applies to pc.
 *
 * @param record      receives a search table of one entry that matches every
 *                    address, a CIE and an FDE in .eh_frame form, absolute
 *                    addresses, offsets relative to the start of record
 * @param ret_size    bytes of record used
 * @return false when the record is malformed, uses what is not supported, does
 *         not cover pc, or does not fit
 */
bool sl_cfi_rewrite(const struct sl_cfi_section *section, uint64_t address, uint64_t pc,
                    uint8_t *record, size_t capacity, size_t *ret_size, struct sl_cfi *ret_cfi);

/* DW_EH_PE pointer at an address.  @return false for omitted, indirect and unknown encodings */
struct sl_bytes;
bool sl_cfi_pointer(struct sl_bytes *bytes, uint8_t encoding, uint64_t address, uint64_t data_base,
                    uint64_t *ret_value);

#endif
