/* SPDX-License-Identifier: Apache-2.0 */
/* DWARF 5, written by hand: described.h. */
    .cfi_sections .debug_frame
    .file 1 "described.S"

    .text
.Lnested:
    nop
    nop
.Lnameless:
    nop
    nop
.Ldeep:
    nop
    nop
.Lassembled:
    .loc 1 77
    nop
    nop
.Lsplit:
    nop
    nop
.Lsplit_too:
    nop
    nop
.Lframed:
    .cfi_startproc
    nop
    nop
    .cfi_endproc

    .section .data.rel.ro, "aw", @progbits
    .balign 8
    .globl described
    .type described, @object
described:
    .quad .Lnested, .Lnameless, .Ldeep, .Lassembled, .Lsplit, .Lsplit_too, .Lframed
    .size described, . - described

    .section .debug_abbrev, "", @progbits
.Labbrev:
    .uleb128 1, 0x11 /* unit: language, low_pc, ranges */
    .byte 1
    .uleb128 0x13, 0x05, 0x11, 0x01, 0x55, 0x17, 0, 0
    .uleb128 2, 0x39 /* name space: name */
    .byte 1
    .uleb128 0x03, 0x08, 0, 0
    .uleb128 3, 0x2e /* function: name, low_pc, high_pc */
    .byte 0
    .uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0
    .uleb128 4, 0x2e /* the same without a name */
    .byte 0
    .uleb128 0x11, 0x01, 0x12, 0x06, 0, 0
    .uleb128 5, 0x2e /* one with children */
    .byte 1
    .uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0
    .uleb128 6, 0x1d /* inlined: name, low_pc, high_pc */
    .byte 1
    .uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0
    .uleb128 7, 0x11 /* unit: language, low_pc, high_pc, lines */
    .byte 0
    .uleb128 0x13, 0x05, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0
    .uleb128 8, 0x4a /* skeleton: name of the other file, folder, low_pc, high_pc */
    .byte 0
    .uleb128 0x76, 0x08, 0x1b, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0
    .uleb128 0

    .section .debug_rnglists, "", @progbits
    .long .Lranges_end - .Lranges_begin
.Lranges_begin:
    .short 5
    .byte 8, 0
    .long 0
.Lranges: /* a base, and a range that counts from it */
    .byte 5
    .quad .Lnested
    .byte 4
    .uleb128 0, .Lassembled - .Lnested
    .byte 0
.Lranges_end:

    .section .debug_line, "", @progbits
.Lline:

    .section .debug_info, "", @progbits
    .long .Lunit_end - .Lunit
.Lunit:
    .short 5
    .byte 1, 8
    .long .Labbrev
    .uleb128 1
    .short 0x1d /* C11 */
    .quad 0
    .long .Lranges
    .uleb128 2
    .asciz "space"
    .uleb128 3
    .asciz "nested"
    .quad .Lnested
    .long 2
    .uleb128 0
    .uleb128 4
    .quad .Lnameless
    .long 2
    .uleb128 5
    .asciz "deep"
    .quad .Ldeep
    .long 2
    .rept 128
    .uleb128 6
    .asciz "inlined"
    .quad .Ldeep
    .long 2
    .endr
    .skip 128 + 1 + 1 /* the ends of all of them, of the function and of the unit */
.Lunit_end:
    .long .Lassembler_end - .Lassembler
.Lassembler:
    .short 5
    .byte 1, 8
    .long .Labbrev
    .uleb128 7
    .short 0x8001
    .quad .Lassembled
    .long 2
    .long .Lline
.Lassembler_end:
    .macro skeleton label, id
    .long 2f - 1f
1:
    .short 5
    .byte 4, 8
    .long .Labbrev
    .quad \id
    .uleb128 8
    .asciz "part.dwo"
    .asciz "/made"
    .quad \label
    .long 2
2:
    .endm
    skeleton .Lsplit, 77
    skeleton .Lsplit_too, 88

    .section .note.GNU-stack, "", @progbits
