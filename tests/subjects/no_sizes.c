/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_sizes: functions of an assembler that says nothing of their size.
 *
 * The main thread waits in `read`, called by without_size, in which the label `inside` is none of
 * its own, called by with_size, called by main.
 */
#include <unistd.h>

void with_size(void (*function)(void));

__asm__(".text\n"
        ".globl without_size\n"
        "without_size:\n"
        ".cfi_startproc\n"
        "    sub $8, %rsp\n"
        "    .cfi_def_cfa_offset 16\n"
        "    call *%rdi\n"
        "    add $8, %rsp\n"
        "    .cfi_def_cfa_offset 8\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".globl with_size\n"
        ".type with_size, @function\n"
        "with_size:\n"
        ".cfi_startproc\n"
        "    sub $8, %rsp\n"
        "    .cfi_def_cfa_offset 16\n"
        "label_inside:\n"
        "    call without_size\n"
        "    add $8, %rsp\n"
        "    .cfi_def_cfa_offset 8\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size with_size, . - with_size\n");

static void wait_for_input(void)
{
    char byte = '.';
    if (write(STDOUT_FILENO, &byte, 1) == 1)
        while (read(STDIN_FILENO, &byte, 1) > 0)
            continue;
    _exit(0);
}

int main(void)
{
    with_size(wait_for_input);
    return 0;
}
