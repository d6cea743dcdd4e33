/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/heading.h"

#include "harness/goroutine/dump/labels.h"
#include "harness/goroutine/dump/scan.h"
#include "harness/goroutine/state.h"

/* " gp=0xc000002380 m=nil", of a runtime that was told to say more */
static void skip_addresses(struct dump_scan *scan, bool *ret_any)
{
    for (; scan_text(scan, " gp=") || scan_text(scan, " m=") || scan_text(scan, " mp=");
         *ret_any = true)
        while (!scan_ended(scan) && *scan->at != ' ')
            scan->at++;
}

/* Go on to the end of a word that nobody knows. */
static void skip_word(struct dump_scan *scan)
{
    while (!scan_ended(scan) && *scan->at != ',' && *scan->at != ']')
        scan->at++;
}

/* Behind a comma. */
static bool scan_minutes(struct dump_scan *scan, struct dump_heading *heading)
{
    struct dump_scan at = *scan;
    uint64_t minutes;

    if (!scan_number(&at, 10, &minutes) || !scan_text(&at, " minutes") || minutes > UINT32_MAX)
        return false;
    heading->minutes = (uint32_t) minutes;
    *scan = at;
    return true;
}

/* What follows the status in the brackets: ", 5 minutes, locked to thread". */
static bool
read_words(struct dump_builder *builder, struct dump_scan *scan, struct dump_heading *heading)
{
    struct dump_label labels[DUMP_MAX_LABELS];
    size_t n = 0;

    while (scan_text(scan, ",")) {
        (void) scan_blanks(scan);
        if (!scan_ended(scan) && *scan->at == '"') { /* of CockroachDB's Go */
            if (n == DUMP_MAX_LABELS || !labels_scan(scan, ",]", &labels[n++]))
                return false;
        } else if (scan_text(scan, "locked to thread")) {
            heading->locked = true;
        } else if (!scan_minutes(scan, heading)) {
            skip_word(scan); /* "synctest bubble 7", or what a later version says */
        }
    }
    if (n)
        heading->labels = labels_join(builder, labels, n);
    return true;
}

/* " labels:{...}" of go1.26 and " {...}" of go1.27, which may stand on either side of the bracket.
   What is something else stays. */
static void
read_labels(struct dump_builder *builder, struct dump_scan *scan, struct dump_heading *heading)
{
    struct dump_scan at = *scan;

    (void) scan_blanks(&at);
    (void) scan_text(&at, "labels:");
    const char *labels = labels_read(builder, &at);
    if (!labels)
        return;
    heading->labels = labels;
    *scan = at;
}

/* Up to a comma, the bracket, or labels. */
static void read_state(struct dump_scan *scan, struct dump_heading *heading)
{
    heading->state = scan->at;
    while (!scan_ended(scan) && *scan->at != ',' && *scan->at != ']' && *scan->at != '{')
        scan->at++;
    if (!scan_ended(scan) && *scan->at == '{')
        while (scan->at > heading->state && *scan->at != ' ')
            scan->at--;
    heading->state_size = goroutine_state_length(
        heading->state, (size_t) (scan->at - heading->state), &heading->leaked);
}

bool heading_read(struct dump_builder *builder, const struct dump_line *line,
                  struct dump_heading *ret_heading)
{
    struct dump_scan scan = {line->text, line->text + line->size};
    struct dump_heading heading = {.indent = scan_blanks(&scan)};

    if (!scan_text(&scan, "goroutine ") || !scan_number(&scan, 10, &heading.id))
        return false;
    skip_addresses(&scan, &heading.has_addresses);
    if (!scan_text(&scan, " ["))
        return false;
    read_state(&scan, &heading);
    read_labels(builder, &scan, &heading);
    if (!read_words(builder, &scan, &heading))
        return false;
    read_labels(builder, &scan, &heading);
    if (!scan_text(&scan, "]"))
        return false;
    read_labels(builder, &scan, &heading);
    if (!scan_text(&scan, ":") || !scan_ended(&scan))
        return false;
    *ret_heading = heading;
    return true;
}

bool heading_is(const struct dump_line *line)
{
    struct dump_scan scan = {line->text, line->text + line->size};
    uint64_t id;

    (void) scan_blanks(&scan);
    return scan_text(&scan, "goroutine ") && scan_number(&scan, 10, &id) && scan_text(&scan, " ") &&
           scan.end[-1] == ':';
}
