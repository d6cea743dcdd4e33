/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_SIZE (sizeof(Elf64_Ehdr) + 2 * MAX_SEGMENTS * sizeof(Elf64_Phdr))

uint64_t writer_address(struct writer *writer)
{
    bytes_align(&writer->module->file, 16);
    return writer->base + writer->module->file.size;
}

size_t writer_add(struct writer *writer, const char *name, uint32_t type, uint64_t flags,
                  const struct bytes *content)
{
    uint64_t address = writer_address(writer);
    size_t at = writer->n_sections;

    if (at == MAX_SECTIONS)
        return 0;
    writer->sections[at].name = name;
    writer->sections[at].header = (Elf64_Shdr){.sh_type = type,
                                               .sh_flags = flags,
                                               .sh_addr = flags & SHF_ALLOC ? address : 0,
                                               .sh_offset = address - writer->base,
                                               .sh_size = content->size,
                                               .sh_addralign = 16};
    bytes_put(&writer->module->file, content->data, content->size);
    return writer->n_sections++;
}

/* Functions as compilers make them begin with few forms; what follows is anything. */
static void add_text(struct writer *writer)
{
    static const uint8_t begins[][8] = {
        {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20}, /* push %rbp; mov %rsp,%rbp; sub $32 */
        {0x53, 0x48, 0x83, 0xec, 0x10, 0x90, 0x90, 0x90}, /* push %rbx; sub $16,%rsp */
        {0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56}, /* ...; push %r15; push %r14 */
        {0xc8, 0x20, 0x00, 0x00, 0xe8, 0x00, 0x00, 0x00}, /* enter; call */
        {0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 0xf7, 0xff, 0xff}, /* endbr64; jmp to itself */
    };
    struct module *module = writer->module;
    struct choice *choice = writer->choice;
    struct bytes text = {0};
    uint64_t start = writer_address(writer);

    module->n_functions = choose_size(choice, MAX_FUNCTIONS);
    for (size_t i = 0; i < module->n_functions; i++) {
        struct function *function = &module->functions[i];
        *function = (struct function){start + text.size, 48 + 16 * choose_size(choice, 16)};
        bytes_put(&text, begins[choose_below(choice, 5)], sizeof begins[0]);
        bool plain = choose_below(choice, 2);
        while (start + text.size < function->start + function->size)
            bytes_u8(&text, plain ? 0x90 : choose(choice));
    }
    (void) writer_add(writer, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, &text);
    bytes_release(&text);
}

static void add_build_id(struct writer *writer)
{
    static const size_t sizes[] = {20, 20, 20, 16, 8, 0, 1, 2, 64, 65, MAX_BUILD_ID};
    struct module *module = writer->module;
    struct bytes note = {0};
    Elf64_Nhdr header = {.n_namesz = 4, .n_type = NT_GNU_BUILD_ID};

    if (!module->build_id_size) { /* else it is that of another file */
        module->build_id_size = sizes[choose_below(writer->choice, 11)];
        for (size_t i = 0; i < module->build_id_size; i++)
            module->build_id[i] = (uint8_t) choose(writer->choice);
    }
    header.n_descsz = (uint32_t) module->build_id_size;
    bytes_put(&note, &header, sizeof header);
    bytes_text(&note, ELF_NOTE_GNU);
    bytes_put(&note, module->build_id, module->build_id_size);
    uint64_t address = writer_address(writer);
    (void) writer_add(writer, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, &note);
    writer->others[writer->n_others++] = (Elf64_Phdr){.p_type = PT_NOTE,
                                                      .p_flags = PF_R,
                                                      .p_offset = address - writer->base,
                                                      .p_vaddr = address,
                                                      .p_filesz = note.size,
                                                      .p_memsz = note.size,
                                                      .p_align = 4};
    bytes_release(&note);
}

static void add_section_names(struct writer *writer)
{
    struct bytes names = {0};

    bytes_u8(&names, 0);
    for (size_t i = 1; i < writer->n_sections; i++) {
        writer->sections[i].header.sh_name = (uint32_t) names.size;
        bytes_text(&names, writer->sections[i].name);
    }
    size_t own = names.size;
    bytes_text(&names, ".shstrtab");
    size_t at = writer_add(writer, ".shstrtab", SHT_STRTAB, 0, &names);
    writer->sections[at].header.sh_name = (uint32_t) own;
    bytes_release(&names);
}

/* One segment over everything, or one each for code and the rest. */
static void choose_segments(struct writer *writer, uint64_t loaded)
{
    struct module *module = writer->module;

    module->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                       .p_flags = PF_R | PF_X,
                                       .p_vaddr = writer->base,
                                       .p_filesz = loaded,
                                       .p_memsz = loaded,
                                       .p_align = 4096};
    module->n_segments = 1;
    if (loaded < 2 * 4096 || one_in(writer->choice, 2))
        return;
    uint64_t cut = 4096 * (1 + choose_below(writer->choice, loaded / 4096 - 1));
    module->segments[1] = module->segments[0];
    module->segments[0].p_filesz = module->segments[0].p_memsz = cut;
    module->segments[1].p_offset = cut;
    module->segments[1].p_vaddr += cut;
    module->segments[1].p_filesz -= cut;
    module->segments[1].p_memsz -= cut;
    module->n_segments = 2;
}

static void add_headers(struct writer *writer, bool only_debug)
{
    struct module *module = writer->module;
    struct bytes *file = &module->file;
    uint8_t *at;

    add_section_names(writer);
    bytes_align(file, 8);
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = writer->base ? ET_EXEC : ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof header,
        .e_shoff = file->size,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t) (module->n_segments + writer->n_others),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = (uint16_t) writer->n_sections,
        .e_shstrndx = (uint16_t) (writer->n_sections - 1)};
    for (size_t i = 0; i < writer->n_sections; i++) {
        Elf64_Shdr section = writer->sections[i].header;
        if (only_debug && section.sh_flags & SHF_ALLOC && section.sh_type == SHT_PROGBITS)
            section.sh_type = SHT_NOBITS;
        bytes_put(file, &section, sizeof section);
    }
    at = file->data;
    memcpy(at, &header, sizeof header);
    memcpy(at += sizeof header, module->segments, module->n_segments * sizeof(Elf64_Phdr));
    memcpy(at + module->n_segments * sizeof(Elf64_Phdr), writer->others,
           writer->n_others * sizeof(Elf64_Phdr));
}

void module_write(struct module *module, const struct wish *wish, struct choice *choice)
{
    struct writer writer = {.module = module, .choice = choice, .n_sections = 1};

    if (one_in(choice, 4))
        writer.base = 0x400000;
    bytes_fill(&module->file, 0, HEADERS_SIZE);
    add_text(&writer);
    add_build_id(&writer);
    unwind_add(&writer);
    symbols_add(&writer, wish);
    choose_segments(&writer, module->file.size);
    links_add(&writer, wish);
    dwarf_add(&writer, wish);
    add_headers(&writer, wish->only_debug);
}

bool module_adopt(struct module *module, const uint8_t *data, size_t size)
{
    Elf64_Ehdr header;

    if (size < sizeof header)
        return false;
    memcpy(&header, data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phoff > size ||
        (size - header.e_phoff) / sizeof(Elf64_Phdr) < header.e_phnum)
        return false;
    for (size_t i = 0; i < header.e_phnum && module->n_segments < MAX_SEGMENTS; i++) {
        Elf64_Phdr *segment = &module->segments[module->n_segments];
        memcpy(segment, data + header.e_phoff + i * sizeof *segment, sizeof *segment);
        if (segment->p_type != PT_LOAD)
            continue;
        module->n_segments++;
        for (uint64_t at = 0; segment->p_flags & PF_X && at + 64 <= segment->p_filesz &&
                              module->n_functions < MAX_FUNCTIONS;
             at += 64)
            module->functions[module->n_functions++] = (struct function){segment->p_vaddr + at, 64};
    }
    bytes_put(&module->file, data, size);
    return module->n_functions > 0;
}

void module_release(struct module *module)
{
    bytes_release(&module->file);
}
