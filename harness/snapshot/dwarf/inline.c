/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/inline.h"

#include <string.h>

#include <dwarf.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/dwarf/die.h"

/* Inlined copies, one in the other, the outermost first. */
struct chain {
    Dwarf_Die dies[SL_MAX_INLINED];
    size_t depths[SL_MAX_INLINED];
    size_t n;
    uint64_t length; /* of the range of the last one that holds the address */
};

static bool has_code(Dwarf_Die *die)
{
    return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

/*
 * Blocks overlap now and then.  Then a copy inside another one is the better answer, and of two
 * that lie side by side the shorter one.
 */
static bool is_better(const struct chain *path, const struct chain *best)
{
    if (!best->n || path->length < best->length)
        return true;
    return path->n > best->n && path->dies[best->n - 1].addr == best->dies[best->n - 1].addr;
}

/* @return false when there are too many: then none is known */
static bool find_chain(const struct sl_code_place *code, uint64_t address, struct chain *best)
{
    Dwarf_Die function = code->function;
    struct chain path = {.n = 0};
    struct sl_die_walk walk;
    bool enter = false;

    best->n = 0;
    for (bool more = sl_die_walk_begin(&walk, &function, code->unit->ranges.info); more;
         more = sl_die_walk_next(&walk, enter)) {
        int tag = dwarf_tag(&walk.die);
        while (path.n && path.depths[path.n - 1] >= walk.depth)
            path.n--;
        enter = tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
                tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
        if (enter && has_code(&walk.die))
            enter = sl_ranges_cover(&code->unit->ranges, &walk.die, address);
        if (tag != DW_TAG_inlined_subroutine)
            continue;
        path.length = sl_ranges_cover(&code->unit->ranges, &walk.die, address);
        enter = path.length;
        if (!enter)
            continue;
        if (path.n == SL_MAX_INLINED)
            return false;
        path.dies[path.n] = walk.die;
        path.depths[path.n++] = walk.depth;
        if (is_better(&path, best))
            *best = path;
    }
    return true;
}

static struct sl_source_place line_of(const struct sl_code_place *code, uint64_t address)
{
    struct sl_source_place place = {0};
    Dwarf_Die unit = code->unit->lines;
    Dwarf_Line *line = dwarf_getsrc_die(&unit, address);
    Dwarf_Addr start;
    int number;

    /* A row that begins before the function is another one's. */
    if (!line ||
        (code->has_function && (dwarf_lineaddr(line, &start) || start < code->range.start)))
        return place;
    place.file = dwarf_linesrc(line, NULL, NULL);
    if (place.file && dwarf_lineno(line, &number) == 0 && number > 0)
        place.line = (uint32_t) number;
    return place;
}

static struct sl_source_place place_in(Dwarf_Die *unit, uint64_t file, uint64_t line)
{
    struct sl_source_place place = {0};
    Dwarf_Files *files;
    size_t n_files;

    if (dwarf_getsrcfiles(unit, &files, &n_files) || file >= n_files)
        return place;
    place.file = dwarf_filesrc(files, file, NULL, NULL);
    if (place.file && line <= UINT32_MAX)
        place.line = (uint32_t) line;
    return place;
}

/* Where the function of an inlined copy was called. */
static struct sl_source_place call_place(const struct sl_code_place *code, Dwarf_Die *inlined)
{
    Dwarf_Die unit = code->unit->lines;
    uint64_t file, line;

    if (!sl_die_number(&code->unit->ranges, inlined, DW_AT_call_file, &file))
        return (struct sl_source_place){0};
    if (!sl_die_number(&code->unit->ranges, inlined, DW_AT_call_line, &line))
        line = 0;
    return place_in(&unit, file, line);
}

/* Where a function was defined.  Its DIE may be of another unit, or refer to one there. */
static struct sl_source_place declaration(const struct sl_code_place *code, Dwarf_Die *function)
{
    Dwarf_Attribute attribute;
    Dwarf_Die unit = code->unit->lines;
    Dwarf_Word file, line;

    if (dwarf_formudata(dwarf_attr_integrate(function, DW_AT_decl_line, &attribute), &line) ||
        dwarf_formudata(dwarf_attr_integrate(function, DW_AT_decl_file, &attribute), &file))
        return (struct sl_source_place){0};
    if (attribute.cu != code->unit->scope.cu &&
        !dwarf_cu_die(attribute.cu, &unit, NULL, NULL, NULL, NULL, NULL, NULL))
        return (struct sl_source_place){0};
    return place_in(&unit, file, line);
}

/*
 * Where a compiler keeps no record of an inlined copy, its lines look like those of the
 * function around it.
 */
static bool is_before(struct sl_source_place place, struct sl_source_place start)
{
    return place.line && start.line && place.line < start.line && place.file && start.file &&
           strcmp(sl_path_base(place.file), sl_path_base(start.file)) == 0;
}

static const char *name_of(Dwarf_Die *die)
{
    static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
    const char *name = NULL;

    for (size_t i = 0; i < SL_COUNT_OF(names) && !name; i++) {
        Dwarf_Attribute attribute;
        name = dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));
    }
    return name;
}

/* Assemblers describe no functions, and inline none. */
static bool inlines(const struct sl_code_place *code)
{
    Dwarf_Die unit = code->unit->scope;
    return dwarf_srclang(&unit) != DW_LANG_Mips_Assembler;
}

void sl_source_frames_get(const struct sl_code_place *code, uint64_t address,
                          struct sl_source_frames *ret_frames)
{
    Dwarf_Die function = code->function;
    struct chain chain;

    ret_frames->n = 1;
    ret_frames->frames[0] = (struct sl_source_frame){0};
    if (!code->has_function) {
        /* What was inlined there is not known either, so the line may be another function's. */
        if (!inlines(code))
            ret_frames->frames[0].place = line_of(code, address);
        return;
    }
    bool known = find_chain(code, address, &chain);
    struct sl_source_place place = {0};
    if (known)
        place = line_of(code, address);
    else
        chain.n = 0;
    if (is_before(place, declaration(code, chain.n ? &chain.dies[chain.n - 1] : &function)))
        place = (struct sl_source_place){0};
    ret_frames->n = 0;
    for (size_t i = chain.n; i--;) {
        ret_frames->frames[ret_frames->n++] =
            (struct sl_source_frame){.function = name_of(&chain.dies[i]), .place = place};
        place = call_place(code, &chain.dies[i]);
    }
    ret_frames->frames[ret_frames->n++] =
        (struct sl_source_frame){.function = name_of(&function), .place = place};
}
