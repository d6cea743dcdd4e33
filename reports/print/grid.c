/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/grid.h"

#include <string.h>

#include "base/utf8.h"
#include "reports/format.h"
#include "reports/print/wrap.h"

#define INDENT 2
#define GAP    2

/* How the grid is looked at: as it is, or with rows and columns exchanged. */
struct view {
    const struct sl_grid *grid;
    bool exchanged;
};

bool sl_grid_init(struct sl_grid *grid, struct sl_arena *arena, size_t n_rows, size_t n_columns)
{
    grid->n_rows = n_rows;
    grid->n_columns = n_columns;
    grid->cells = sl_arena_array(arena, n_rows * n_columns, sizeof *grid->cells);
    grid->left = sl_arena_array(arena, n_columns, sizeof *grid->left);
    grid->widths = sl_arena_array(arena, SL_MAX(n_rows, n_columns), sizeof *grid->widths);
    return grid->cells && grid->left && grid->widths;
}

void sl_grid_set(struct sl_grid *grid, size_t row, size_t column, const char *text,
                 enum sl_style style)
{
    grid->cells[row * grid->n_columns + column] = (struct sl_grid_cell){text, style};
}

static size_t n_rows(const struct view *view)
{
    return view->exchanged ? view->grid->n_columns : view->grid->n_rows;
}

static size_t n_columns(const struct view *view)
{
    return view->exchanged ? view->grid->n_rows : view->grid->n_columns;
}

static const struct sl_grid_cell *cell_at(const struct view *view, size_t row, size_t column)
{
    size_t r = view->exchanged ? column : row, c = view->exchanged ? row : column;
    return &view->grid->cells[r * view->grid->n_columns + c];
}

/* A column heading of several lines is one line when it has become the heading of a row. */
static bool is_joined(const struct view *view, size_t column)
{
    return view->exchanged && column == 0;
}

static size_t count_lines(const struct view *view, size_t row, size_t column)
{
    size_t n = 1;
    if (is_joined(view, column))
        return n;
    for (const char *at = cell_at(view, row, column)->text; at && (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

#define LINE_MAX_BYTES 512

/* Copies line number `line` of a cell; "" when it has no such line. */
static void copy_line(const struct view *view, size_t row, size_t column, size_t line,
                      char ret_line[LINE_MAX_BYTES])
{
    const char *text = cell_at(view, row, column)->text;
    bool joined = is_joined(view, column);

    if (joined && line > 0)
        text = NULL;
    for (; text && line > 0; line--) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    if (!text)
        text = "";
    (void) snprintf(ret_line, LINE_MAX_BYTES, "%.*s",
                    (int) (joined ? strlen(text) : strcspn(text, "\n")), text);
    for (char *at = ret_line; joined && (at = strchr(at, '\n'));)
        *at = ' ';
    sl_utf8_clean(ret_line); /* a cut may go through a character */
}

static size_t measure(const struct view *view, size_t column)
{
    char line[LINE_MAX_BYTES];
    size_t width = 0;
    for (size_t row = 0; row < n_rows(view); row++) {
        for (size_t i = 0; i < count_lines(view, row, column); i++) {
            copy_line(view, row, column, i, line);
            width = SL_MAX(width, sl_utf8_columns(line));
        }
    }
    return width;
}

static size_t row_height(const struct view *view, size_t row)
{
    size_t height = 1;
    for (size_t column = 0; column < n_columns(view); column++)
        height = SL_MAX(height, count_lines(view, row, column));
    return height;
}

static size_t column_width(const struct view *view, size_t column)
{
    return view->grid->widths[column];
}

/* Look at a grid in this way.  @return its width */
static size_t take_view(struct view *view, bool exchanged)
{
    size_t width = INDENT;

    view->exchanged = exchanged;
    for (size_t column = 0; column < n_columns(view); column++) {
        view->grid->widths[column] = measure(view, column);
        width += column_width(view, column) + (column ? GAP : 0);
    }
    return width;
}

static void print_line(const struct view *view, const struct sl_page *page, size_t row, size_t line)
{
    size_t owed = INDENT; /* spaces are printed when something follows: none at the end of a line */
    for (size_t column = 0; column < n_columns(view); column++) {
        const struct sl_grid_cell *cell = cell_at(view, row, column);
        size_t width = column_width(view, column);
        /* Headings stand on the bottom of their row, everything else hangs from the top. */
        size_t empty = row == 0 ? row_height(view, row) - count_lines(view, row, column) : 0;
        char text[LINE_MAX_BYTES] = "";
        if (line >= empty)
            copy_line(view, row, column, line - empty, text);
        size_t padding = width - sl_utf8_columns(text);
        bool left = column == 0 || (!view->exchanged && view->grid->left[column]);
        owed += (column ? GAP : 0) + (left ? 0 : padding);
        if (*text) {
            (void) fprintf(page->out, "%*s", (int) owed, "");
            sl_style_print(page, cell->style, "%s", text);
            owed = 0;
        }
        owed += left ? padding : 0;
    }
    (void) fputc('\n', page->out);
}

/* One text of a record: "    peak threads  5190"; its further lines stand below the first. */
static void
print_entry(const struct view *exchanged, const struct sl_page *page, size_t column, size_t row)
{
    const struct sl_grid_cell *cell = cell_at(exchanged, column, row);
    size_t width = column_width(exchanged, 0), n_lines = count_lines(exchanged, column, row);
    char heading[LINE_MAX_BYTES], text[LINE_MAX_BYTES];

    copy_line(exchanged, column, 0, 0, heading);
    for (size_t line = 0; line < n_lines; line++) {
        copy_line(exchanged, column, row, line, text);
        if (!*text)
            continue;
        (void) fprintf(page->out, "%*s%s", 2 * INDENT, "", line ? "" : heading);
        (void) fprintf(page->out, "%*s",
                       (int) (width + GAP - (line ? 0 : sl_utf8_columns(heading))), "");
        sl_style_print(page, cell->style, "%s", text);
        (void) fputc('\n', page->out);
    }
}

/* Each row by itself, one text a line: fits where neither form of the grid does. */
static void print_records(const struct view *exchanged, const struct sl_page *page)
{
    const struct sl_grid *grid = exchanged->grid;

    for (size_t row = 1; row < grid->n_rows; row++) {
        const struct sl_grid_cell *name = &grid->cells[row * grid->n_columns];
        sl_wrap_printf(page, name->style, INDENT, "  %s", name->text ? name->text : "");
        for (size_t column = 1; column < grid->n_columns; column++)
            print_entry(exchanged, page, column, row);
    }
}

void sl_grid_print(const struct sl_grid *grid, const struct sl_page *page)
{
    struct view view = {.grid = grid};
    size_t limit = sl_width_of(page);

    if (take_view(&view, false) > limit && take_view(&view, true) > limit) {
        print_records(&view, page);
        return;
    }
    for (size_t row = 0; row < n_rows(&view); row++)
        for (size_t line = 0; line < row_height(&view, row); line++)
            print_line(&view, page, row, line);
}
