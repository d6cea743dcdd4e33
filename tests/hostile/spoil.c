/* SPDX-License-Identifier: Apache-2.0 */
#include "spoil.h"

#include <elf.h>
#include <string.h>

/* Change a number of so many bytes. */
static void spoil_number(struct bytes *file, struct choice *choice, uint64_t at, size_t size)
{
    uint64_t value = 0;

    if (at > file->size || file->size - at < size)
        return;
    memcpy(&value, file->data + at, size);
    value = choose_evil(choice, value);
    memcpy(file->data + at, &value, size);
}

/* A field of the header, of a program header or of a section header, whose sizes are theirs. */
static void spoil_field(struct bytes *file, struct choice *choice, uint64_t at,
                        const uint8_t *fields, size_t n_fields)
{
    size_t chosen = choose_below(choice, n_fields);
    for (size_t i = 0; i < chosen; i++)
        at += fields[i];
    spoil_number(file, choice, at, fields[chosen]);
}

static void spoil_header(struct bytes *file, struct choice *choice)
{
    static const uint8_t fields[] = {4, 1, 1, 1, 1, 8, 2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2};
    spoil_field(file, choice, 0, fields, sizeof fields);
}

static void spoil_segment(struct bytes *file, struct choice *choice, const Elf64_Ehdr *header)
{
    static const uint8_t fields[] = {4, 4, 8, 8, 8, 8, 8, 8};
    if (header->e_phnum)
        spoil_field(file, choice,
                    header->e_phoff + choose_below(choice, header->e_phnum) * sizeof(Elf64_Phdr),
                    fields, sizeof fields);
}

/* @return whether there is one */
static bool choose_section(const struct bytes *file, struct choice *choice,
                           const Elf64_Ehdr *header, uint64_t *ret_at, Elf64_Shdr *ret_section)
{
    if (!header->e_shnum)
        return false;
    *ret_at = header->e_shoff + choose_below(choice, header->e_shnum) * sizeof *ret_section;
    if (*ret_at > file->size || file->size - *ret_at < sizeof *ret_section)
        return false;
    memcpy(ret_section, file->data + *ret_at, sizeof *ret_section);
    return true;
}

static void spoil_section(struct bytes *file, struct choice *choice, const Elf64_Ehdr *header)
{
    static const uint8_t fields[] = {4, 4, 8, 8, 8, 8, 4, 4, 8, 8};
    Elf64_Shdr section;
    uint64_t at;

    if (choose_section(file, choice, header, &at, &section))
        spoil_field(file, choice, at, fields, sizeof fields);
}

/* Two sections change places: each is read as what it is not. */
static void swap_sections(struct bytes *file, struct choice *choice, const Elf64_Ehdr *header)
{
    Elf64_Shdr one, other;
    uint64_t at, other_at;

    if (!choose_section(file, choice, header, &at, &one) ||
        !choose_section(file, choice, header, &other_at, &other))
        return;
    uint32_t name = one.sh_name;
    one.sh_name = other.sh_name;
    other.sh_name = name;
    memcpy(file->data + at, &one, sizeof one);
    memcpy(file->data + other_at, &other, sizeof other);
}

static void spoil_content(struct bytes *file, struct choice *choice, const Elf64_Ehdr *header)
{
    static const uint8_t sizes[] = {1, 1, 2, 4, 4, 8};
    Elf64_Shdr section;
    uint64_t at;

    if (choose_section(file, choice, header, &at, &section) && section.sh_size)
        for (uint64_t n = choose_size(choice, 8); n; n--)
            spoil_number(file, choice, section.sh_offset + choose_below(choice, section.sh_size),
                         sizes[choose_below(choice, 6)]);
}

/* Most of what is read by number is in the beginning of a section. */
static void spoil_beginning(struct bytes *file, struct choice *choice, const Elf64_Ehdr *header)
{
    Elf64_Shdr section;
    uint64_t at;

    if (choose_section(file, choice, header, &at, &section))
        spoil_number(file, choice, section.sh_offset + choose_below(choice, 48),
                     (size_t) 1 << choose_below(choice, 4));
}

void spoil(struct bytes *file, struct choice *choice)
{
    Elf64_Ehdr header;

    if (file->size < sizeof header)
        return;
    memcpy(&header, file->data, sizeof header);
    switch (choose_below(choice, 10)) {
    case 0:
        spoil_header(file, choice);
        break;
    case 1:
        spoil_segment(file, choice, &header);
        break;
    case 2:
    case 3:
        spoil_section(file, choice, &header);
        break;
    case 4:
        swap_sections(file, choice, &header);
        break;
    case 5:
    case 6:
        spoil_beginning(file, choice, &header);
        break;
    case 7:
        if (one_in(choice, 4))
            file->size = 1 + choose_below(choice, file->size);
        break;
    default:
        spoil_content(file, choice, &header);
    }
}
