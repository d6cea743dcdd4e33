/* SPDX-License-Identifier: Apache-2.0 */
#include "open_metrics.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The family whose lines are being read. */
struct family {
    char name[128], type[16], unit[64];
    bool has_unit, has_help;
    unsigned n_samples;
};

struct reader {
    struct open_metrics *metrics;
    struct family family;
    char seen[OPEN_METRICS_MAX][128]; /* names of families that are over, and this one's */
    size_t n_seen;
    bool ended;
};

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char) *text) && !strchr("_:", *text))
        return false;
    for (; *text; text++) {
        if (!isalnum((unsigned char) *text) && !strchr("_:", *text))
            return false;
    }
    return true;
}

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* A family may not come back after another one has begun. */
static const char *begin_family(struct reader *reader, const char *name)
{
    if (strcmp(reader->family.name, name) == 0)
        return NULL;
    for (size_t i = 0; i < reader->n_seen; i++) {
        if (strcmp(reader->seen[i], name) == 0)
            return "the family is there twice, or its lines are not together";
    }
    if (!is_name(name) || reader->n_seen == OPEN_METRICS_MAX)
        return "no name of a family";
    reader->family = (struct family){.n_samples = 0};
    (void) snprintf(reader->family.name, sizeof reader->family.name, "%s", name);
    (void) snprintf(reader->seen[reader->n_seen++], sizeof reader->seen[0], "%s", name);
    return NULL;
}

static const char *read_type(struct family *family, const char *type)
{
    if (*family->type)
        return "a second TYPE";
    if (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0 && strcmp(type, "stateset") != 0)
        return "a type that is not expected here";
    (void) snprintf(family->type, sizeof family->type, "%s", type);
    return NULL;
}

static const char *read_unit(struct family *family, const char *unit)
{
    char end[72];
    if (family->has_unit)
        return "a second UNIT";
    (void) snprintf(end, sizeof end, "_%s", unit);
    if (*unit && !ends_in(family->name, end))
        return "the unit is not the end of the name";
    family->has_unit = true;
    (void) snprintf(family->unit, sizeof family->unit, "%s", unit);
    return NULL;
}

static const char *read_help(struct family *family, const char *help)
{
    if (family->has_help)
        return "a second HELP";
    if (strchr(help, '\\') || strchr(help, '"'))
        return "something to escape in the help";
    family->has_help = true;
    return NULL;
}

/* "# TYPE name type" and the like; "# EOF". */
static const char *read_descriptor(struct reader *reader, char *line)
{
    char *rest = NULL;
    if (strcmp(line, "# EOF") == 0) {
        reader->ended = true;
        return NULL;
    }
    if (strncmp(line, "# ", 2) != 0 || !strchr(line + 2, ' '))
        return "no descriptor";
    char *kind = strtok_r(line + 2, " ", &rest), *name = strtok_r(NULL, " ", &rest);
    if (!kind || !name)
        return "a descriptor without a name";
    const char *flaw = begin_family(reader, name);
    if (flaw)
        return flaw;
    if (reader->family.n_samples > 0)
        return "a descriptor behind a sample";
    if (strcmp(kind, "TYPE") == 0)
        return read_type(&reader->family, rest);
    if (strcmp(kind, "UNIT") == 0)
        return read_unit(&reader->family, rest);
    if (strcmp(kind, "HELP") == 0)
        return read_help(&reader->family, rest);
    return "no such descriptor";
}

/* Labels are the stateset's own: {NAME="state"}. */
static const char *
check_sample(const struct family *family, const char *name, const char *labels, double value)
{
    char expected[160];
    const char *suffix = strcmp(family->type, "counter") == 0 ? "_total" : "";
    (void) snprintf(expected, sizeof expected, "%s%s", family->name, suffix);
    if (strcmp(name, expected) != 0)
        return "a sample of another family, or without the suffix of its type";
    if (strcmp(family->type, "stateset") != 0) {
        if (*labels)
            return "labels that are not expected here";
        return value < 0 ? "a negative number" : NULL;
    }
    (void) snprintf(expected, sizeof expected, "{%s=\"", family->name);
    if (strncmp(labels, expected, strlen(expected)) != 0 || !ends_in(labels, "\"}"))
        return "no label of the stateset's name";
    if (*family->unit)
        return "a stateset with a unit";
    return value == 0 || value == 1 ? NULL : "a state that is neither 0 nor 1";
}

static const char *read_sample(struct reader *reader, char *line)
{
    struct open_metrics *metrics = reader->metrics;
    char *space = strrchr(line, ' '), *end = NULL;

    if (!space || space == line || space[-1] == ' ')
        return "a sample is a name, one space and a number";
    double value = strtod(space + 1, &end);
    if (end == space + 1 || *end || metrics->n_samples == OPEN_METRICS_MAX)
        return "no number";
    *space = '\0';
    struct open_metrics_sample *sample = &metrics->samples[metrics->n_samples++];
    (void) snprintf(sample->name, sizeof sample->name, "%s", line);
    sample->value = value;
    for (size_t i = 0; i + 1 < metrics->n_samples; i++) {
        if (strcmp(metrics->samples[i].name, line) == 0)
            return "a sample twice";
    }
    char labels[256];
    (void) snprintf(labels, sizeof labels, "%s", strchr(line, '{') ? strchr(line, '{') : "");
    line[strcspn(line, "{")] = '\0';
    if (!*reader->family.type)
        return "a sample without a type";
    reader->family.n_samples++;
    return check_sample(&reader->family, line, labels, value);
}

void open_metrics_read(const char *text, struct open_metrics *ret_metrics)
{
    struct reader reader = {.metrics = ret_metrics};
    const char *flaw = NULL;
    unsigned number = 1;

    *ret_metrics = (struct open_metrics){.n_samples = 0};
    for (; *text && !flaw; number++) {
        char line[256];
        size_t size = strcspn(text, "\n");
        if (text[size] != '\n' || size >= sizeof line || size == 0 || reader.ended) {
            flaw = "an empty, endless or superfluous line";
            break;
        }
        memcpy(line, text, size);
        line[size] = '\0';
        flaw = *line == '#' ? read_descriptor(&reader, line) : read_sample(&reader, line);
        text += size + 1;
    }
    if (!flaw && !reader.ended)
        flaw = "no EOF";
    if (flaw)
        (void) snprintf(ret_metrics->flaw, sizeof ret_metrics->flaw, "line %u: %s", number, flaw);
}

double open_metrics_get(const struct open_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->n_samples; i++) {
        if (strcmp(metrics->samples[i].name, name) == 0)
            return metrics->samples[i].value;
    }
    return -1;
}
