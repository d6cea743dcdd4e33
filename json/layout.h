/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a JSON document, as tables.
 *
 * Writer and reader walk the same tables, so that what one writes the other
 * reads; a new key is one line in a table, one in the JSON Schema and one in the
 * description of the format.
 */
#ifndef SL_JSON_LAYOUT_H
#define SL_JSON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_field_kind {
    SL_FIELD_SCHEMA,  /* name and major version of the document; no member */
    SL_FIELD_VALUE,   /* struct sl_value: an integer, or null with a reason */
    SL_FIELD_REAL,    /* struct sl_real: a number, or null with a reason */
    SL_FIELD_COUNT,   /* uint32_t: null when the text at `other` (the reason) is set */
    SL_FIELD_U64,     /* uint64_t */
    SL_FIELD_U32,     /* uint32_t */
    SL_FIELD_INT,     /* int32_t */
    SL_FIELD_I64,     /* int64_t */
    SL_FIELD_BOOL,    /* bool */
    SL_FIELD_MAYBE,   /* enum sl_maybe: true, false or null */
    SL_FIELD_WORD,    /* enum, as a word of `words` */
    SL_FIELD_NAME,    /* const char *, never NULL */
    SL_FIELD_TEXT,    /* const char *, NULL is null */
    SL_FIELD_CHARS,   /* char[size] */
    SL_FIELD_HEX,     /* uint64_t as "0x…": 64 bits do not survive as a JSON number */
    SL_FIELD_DECIMAL, /* uint64_t as "123", for the same reason */
    SL_FIELD_OBJECT,  /* `object` at offset; offset 0 and the parent's members also work.
                         Without a key its fields stand among those of the parent */
    SL_FIELD_POINTER, /* the same, pointed to.  NULL is null, and is only written, and so is what
                         has no key */
    SL_FIELD_LIST,    /* pointer to elements of `object`, size_t count at `other` */
    SL_FIELD_NAMES,   /* const char *const *, size_t count at `other` */
    SL_FIELD_NUMBERS, /* const uint64_t *, size_t count at `other` */
    SL_FIELD_IDS      /* uint64_t[size / sizeof(uint64_t)], uint32_t count at `other` */
};

/* The words of an enum whose values are 0 to n - 1. */
struct sl_words {
    unsigned n;
    const char *(*text)(unsigned value);
};

struct sl_object;

struct sl_field {
    const char *key;
    enum sl_field_kind kind;
    size_t offset; /* of the member in the struct of the object */
    size_t other;  /* offset of the member that goes with it; see the kinds */
    size_t size;   /* CHARS, IDS: bytes of the array; LIST, POINTER: of one object */
    const struct sl_object *object;
    const struct sl_words *words;
    bool late; /* added within this version; absent in older files, and zero or empty then */
};

struct sl_object {
    const struct sl_field *fields; /* in the order of the file */
    size_t n_fields;
    bool one_line; /* written on one line, which makes differences easy to read */
    bool (*is_null)(const void *object); /* null is written, all zero is read; NULL: it never is */
    /* What is wrong with the values taken together, or NULL.  NULL: any values go together. */
    const char *(*check)(const void *object);
};

/* A kind of document. */
struct sl_layout {
    const char *schema; /* "strandline.report": its name, which the major version follows */
    unsigned major;
    const char *what; /* what error texts call it: "report" */
    struct sl_field root;
};

#endif
